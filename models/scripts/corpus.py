"""Builds the corpus: `python scripts/corpus.py all` in models/, or one stage at a time.

Stages: fetch -> filter -> text -> (scripts/tokenizer.py) -> shards. `splits` assigns held-out
packages in the manifest (only when packages are added). Every stage skips what is done. `pack`
and `unpack` carry finished shards to another machine as xz files.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

MODELS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(MODELS))

from parafill.corpus import pipeline  # noqa: E402
from parafill.corpus.archives import FetchError  # noqa: E402
from parafill.corpus.decontaminate import BenchmarkError  # noqa: E402
from parafill.corpus.extract import ArchiveError  # noqa: E402
from parafill.corpus.manifest import SPLITS, ManifestError, load_manifest, save_manifest  # noqa: E402
from parafill.corpus.pack import pack_shards, unpack_shards  # noqa: E402
from parafill.corpus.shards import ShardError, open_shards  # noqa: E402
from parafill.corpus.split import assign_splits  # noqa: E402
from parafill.tokenizer import TokenizerError  # noqa: E402

STAGES = ("fetch", "filter", "splits", "text", "shards", "all", "pack", "unpack")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--manifest", type=Path, default=MODELS / "corpus" / "manifest.json")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("PARAFILL_DATA", MODELS / "data")),
        help="cache folder (default: models/data, or $PARAFILL_DATA)",
    )
    parser.add_argument("--tokenizer", type=Path, default=MODELS / "parafill-small" / "tokenizer.json")
    parser.add_argument("--benchmark", type=Path, help="folder with HumanEval-Infilling files, to keep them out")
    parser.add_argument("--shards", type=Path, help="folder of the shards (default: DATA/shards)")
    parser.add_argument("--packed", type=Path, help="folder of `pack` (default: DATA/packed)")
    parser.add_argument("--pack-limit-mb", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1))
    options = parser.parse_args()
    try:
        summary = run(options)
    except (
        ArchiveError, BenchmarkError, FetchError, ManifestError, ShardError, TokenizerError,
        FileNotFoundError,
    ) as error:  # fmt: skip
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(summary))
    return 0


def run(options: argparse.Namespace) -> dict:
    space = pipeline.Workspace(options.data)
    shards = options.shards or space.shards
    packed = options.packed or options.data / "packed"
    if options.stage == "pack":
        limit = round(options.pack_limit_mb * 1e6)
        return {"packedBytes": pack_shards(shards, packed, limit)}
    if options.stage == "unpack":
        unpack_shards(packed, shards)
        return {split: len(open_shards(shards, split)) for split in SPLITS}
    packages = load_manifest(options.manifest)
    wanted = ("fetch", "filter", "text", "shards") if options.stage == "all" else (options.stage,)
    summary: dict = {"packages": len(packages)}
    if "fetch" in wanted:
        pipeline.fetch_packages(space, packages, options.workers)
    if "filter" in wanted:
        pipeline.filter_packages(space, packages, options.workers)
    if "splits" in wanted:
        sizes = pipeline.group_sizes(space, packages)
        packages = assign_splits(packages, sizes, options.seed)
        save_manifest(options.manifest, packages)
        for package in packages:
            if package.split != "train":
                print(f"{package.split:<12}{package.key:<50}{sizes[package.key]}")
    if "text" in wanted:
        report = pipeline.select_text(space, packages, options.benchmark, options.seed)
        print(report.table())
        summary["kept"] = {name: entry["kept"] for name, entry in report.as_dict().items()}
    if "shards" in wanted:
        index = pipeline.write_shards(space, packages, options.tokenizer, shards)
        for split, entry in index["splits"].items():
            summary[split] = {key: entry[key] for key in ("documents", "tokens")}
    return summary


if __name__ == "__main__":
    sys.exit(main())

"""Exports a checkpoint as a model folder: `python models/scripts/export.py CHECKPOINT --out models/parafill-small`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from parafill.checkpoint import load_info, load_model, save_checkpoint
from parafill.corpus.shards import read_index
from parafill.export import export_model

MODELS = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, default=MODELS / "parafill-small")
    parser.add_argument("--name", default="parafill-small")
    parser.add_argument("--version", default="0.1.0")
    parser.add_argument("--tokenizer", type=Path, default=MODELS / "parafill-small" / "tokenizer.json")
    parser.add_argument("--shards", type=Path, default=MODELS / "data" / "shards")
    parser.add_argument("--continue-from", type=Path, help="also keep this checkpoint, as float16, in OUT/checkpoint")
    options = parser.parse_args()
    model = load_model(options.checkpoint)
    index = read_index(options.shards) if (options.shards / "shards.json").exists() else {}
    data = {"splits": index.get("splits", {}), "packages": len(index.get("packages", {}))} if index else {}
    training = load_info(options.checkpoint)
    export_model(model, options.tokenizer, options.out, options.name, options.version, data, training)
    if options.continue_from:
        kept, info = load_model(options.continue_from), load_info(options.continue_from)
        save_checkpoint(options.out / "checkpoint", kept, info, dtype=torch.float16)
    sizes = {path.name: path.stat().st_size for path in sorted(options.out.iterdir()) if path.is_file()}
    print(json.dumps({"out": str(options.out), "bytes": sizes}))


if __name__ == "__main__":
    main()

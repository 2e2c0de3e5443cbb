"""Exports a checkpoint as a model folder: `python models/scripts/export.py CHECKPOINT --out models/parafill-small`.

`--random base --out FOLDER` in place of a checkpoint writes a model of that shape with random weights, for measuring.
"""

from __future__ import annotations

import argparse
import collections
import json
from pathlib import Path

import torch

from parafill.checkpoint import load_info, load_model, save_checkpoint
from parafill.config import PRESETS
from parafill.corpus.shards import read_index
from parafill.export import export_model
from parafill.random_model import padded_tokenizer, random_model
from parafill.training_log import keep_logs

MODELS = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("--random", choices=sorted(PRESETS), help="random weights of this shape, and no checkpoint")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--name", default="parafill-small")
    parser.add_argument("--version", default="0.1.0")
    parser.add_argument("--tokenizer", type=Path, default=MODELS / "parafill-small" / "tokenizer.json")
    parser.add_argument("--shards", type=Path, default=MODELS / "data" / "shards")
    parser.add_argument("--continue-from", type=Path, help="also keep this checkpoint, as float16, in OUT/checkpoint")
    parser.add_argument("--logs", type=Path, nargs="+", help="logs of training, in order; kept thinned in OUT/training")
    options = parser.parse_args()
    if (options.checkpoint is None) == (options.random is None):
        parser.error("expected either a checkpoint or --random PRESET")
    if options.random and options.out is None:
        parser.error("--random needs --out, so that it does not replace a trained model by accident")
    out = options.out or MODELS / "parafill-small"
    if options.random:
        export_random(options.random, options.tokenizer, out)
    else:
        export_checkpoint(options, out)
    sizes = {path.name: path.stat().st_size for path in sorted(out.iterdir()) if path.is_file()}
    print(json.dumps({"out": str(out), "bytes": sizes}))


def export_checkpoint(options: argparse.Namespace, out: Path) -> None:
    model = load_model(options.checkpoint)
    index = read_index(options.shards) if (options.shards / "shards.json").exists() else {}
    data = data_of(index) if index else {}
    training = load_info(options.checkpoint)
    export_model(model, options.tokenizer, out, options.name, options.version, data, training)
    if options.logs:
        keep_logs(options.logs, out / "training")
    if options.continue_from:
        kept, info = load_model(options.continue_from), load_info(options.continue_from)
        save_checkpoint(out / "checkpoint", kept, info, dtype=torch.float16)


def data_of(index: dict) -> dict:
    """What the manifest says of the corpus: splits, packages, and packages by licence."""
    licences = collections.Counter(package["licence"] for package in index["packages"])
    return {
        "splits": index["splits"],
        "packages": len(index["packages"]),
        "licences": dict(licences.most_common()),
    }


def export_random(preset: str, tokenizer: Path, out: Path) -> None:
    model = random_model(preset)
    padded_tokenizer(tokenizer, out / "tokenizer.json", model.config.vocab_size)
    export_model(model, out / "tokenizer.json", out, f"random-{preset}", "0.0.0", {}, {"stage": "random"})


if __name__ == "__main__":
    main()

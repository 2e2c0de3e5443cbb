"""Pretrains the model: `python models/scripts/pretrain.py --preset small --minutes 60`."""

from __future__ import annotations

import argparse
import functools
from pathlib import Path

import torch

from parafill.config import PRESETS, SEQUENCES
from parafill.pretraining import PretrainConfig, pretrain
from parafill.sources import make_source
from parafill.training import Budget

MODELS = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int, default=8, help="sequences a step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--shards", type=Path, default=MODELS / "data" / "shards")
    parser.add_argument("--tokenizer", type=Path, default=MODELS / "parafill-small" / "tokenizer.json")
    parser.add_argument("--from", dest="start_from", type=Path, help="begin with the weights of this checkpoint")
    parser.add_argument("--out", type=Path, default=MODELS / "checkpoints" / "small")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    model = PRESETS[options.preset]
    shape = SEQUENCES[options.preset]
    source = functools.partial(make_source, options.shards, options.tokenizer)
    config = PretrainConfig(
        Budget(options.steps, options.minutes), options.seed,
        compile=not options.no_compile, workers=options.workers,
    )  # fmt: skip
    validation = source("validation", model, shape, 8, 0)
    make_train = functools.partial(source, "train", model, shape, options.batch, options.seed)
    pretrain(model, config, make_train, validation, options.out, options.start_from)


if __name__ == "__main__":
    main()

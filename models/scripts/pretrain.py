"""Pretrains the model: `python models/scripts/pretrain.py --preset small --minutes 60`."""

from __future__ import annotations

import argparse
import dataclasses
import functools
from pathlib import Path

from parafill.config import PRESETS, SEQUENCES, ModelConfig
from parafill.pretraining import PretrainConfig, pretrain
from parafill.sources import add_training_arguments, make_source, parse_training_arguments
from parafill.tokenizer import load_tokenizer
from parafill.training import Budget, at_rate

MODELS = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small", help="shape, unless --from has one")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sequences", choices=sorted(SEQUENCES), help="default: the preset's own")
    parser.add_argument("--decay-from", type=float, default=0.5, help="share of the budget; 1: no decay")
    parser.add_argument("--decay-to", type=float, default=0.0, help="share of the learning rate left at the end")
    parser.add_argument(
        "--anneal-attention", type=float, default=0.0, metavar="SHARE",
        help="begin with canvases that are read causally, and end that after this share of the budget",
    )  # fmt: skip
    parser.add_argument("--fill-weight", type=float, default=1.0, help="of causal targets in fills")
    parser.add_argument("--repeated-below", type=int, help="default: the preset's own")
    add_training_arguments(parser)
    parser.add_argument("--from", dest="start_from", type=Path, help="begin with the weights of this checkpoint")
    parser.add_argument("--out", type=Path, default=MODELS / "checkpoints" / "small")
    options = parse_training_arguments(parser)
    model = model_config(options.preset, options.start_from, options.tokenizer)
    if options.repeated_below is not None:
        model = dataclasses.replace(model, repeated_below=options.repeated_below)
    shape = SEQUENCES[options.sequences or options.preset]
    source = functools.partial(make_source, options.shards, options.tokenizer)
    config = PretrainConfig(
        Budget(options.steps, options.minutes), options.seed,
        fill_weight=options.fill_weight, decay_from=options.decay_from, decay_to=options.decay_to,
        with_files=shape.with_files, anneal=options.anneal_attention,
        compile=not options.no_compile, flex=options.flex, workers=options.workers,
    )  # fmt: skip
    validation = source("validation", model, shape, 8, 0)
    make_train = functools.partial(source, "train", model, shape, options.batch, options.seed)
    pretrain(model, at_rate(config, options.rate), make_train, validation, options.out, options.start_from)


def model_config(preset: str, start_from: Path | None, tokenizer: Path) -> ModelConfig:
    """The shape of the checkpoint to begin with, or of a preset, with a row for every token of the tokenizer."""
    size = load_tokenizer(tokenizer).size
    if start_from is None:
        return dataclasses.replace(PRESETS[preset], vocab_size=size)
    config = ModelConfig.load(start_from / "config.json")
    if config.vocab_size != size:
        raise SystemExit(
            f"{tokenizer}: {size} tokens, but {start_from} has {config.vocab_size}; give its own with --tokenizer"
        )
    return config


if __name__ == "__main__":
    main()

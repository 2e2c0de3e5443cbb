"""Distils a checkpoint round by round: `python models/scripts/distill.py CHECKPOINT --minutes 4 --rounds 3`."""

from __future__ import annotations

import argparse
import functools
from pathlib import Path

from parafill.checkpoint import load_model
from parafill.config import SEQUENCES
from parafill.distill import DistillConfig, distill, step_sizes
from parafill.sources import add_training_arguments, make_source, parse_training_arguments
from parafill.tokenizer import load_tokenizer
from parafill.training import Budget, at_rate

MODELS = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--preset", choices=sorted(SEQUENCES), default="small")
    parser.add_argument("--minutes", type=float, help="of each round")
    parser.add_argument("--steps", type=int, help="updates of each round")
    parser.add_argument("--rounds", type=int, default=4, help="the last one's teacher steps by half a hole")
    parser.add_argument("--reverse-share", type=float, default=DistillConfig.reverse_share, help="of reverse KL")
    parser.add_argument(
        "--jsd-share", type=float, default=DistillConfig.jsd_share, help="of JSD; the rest is forward KL"
    )
    parser.add_argument(
        "--certainty-weight", type=float, default=DistillConfig.certainty_weight, help="of entropy where it is right"
    )
    parser.add_argument("--seed", type=int, default=2)
    add_training_arguments(parser)
    parser.add_argument("--out", type=Path, default=MODELS / "checkpoints" / "small")
    options = parse_training_arguments(parser)
    model = load_model(options.checkpoint).config
    shape = SEQUENCES[options.preset]
    train = functools.partial(
        make_source,
        options.shards,
        options.tokenizer,
        "train",
        model,
        shape,
        options.batch,
        options.seed,
    )
    config = DistillConfig(
        Budget(options.steps, options.minutes),
        rounds=step_sizes(options.rounds),
        reverse_share=options.reverse_share,
        jsd_share=options.jsd_share,
        certainty_weight=options.certainty_weight,
        seed=options.seed,
        compile=not options.no_compile,
        flex=options.flex,
        workers=options.workers,
    )
    distill(
        options.checkpoint,
        at_rate(config, options.rate),
        train,
        options.out,
        load_tokenizer(options.tokenizer).special.eoh,
    )


if __name__ == "__main__":
    main()

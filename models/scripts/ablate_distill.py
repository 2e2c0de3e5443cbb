"""Choices of distillation against each other: `python scripts/ablate_distill.py CHECKPOINT --steps 20 --limit 100`.

Every choice distils the same teacher with the same batches and is asked the same package holes through the engine.
Nobody recalls what stands elsewhere: it is the network that is compared. Rounds and answers that are there already are
not made again. Prints one table, with several seeds a second one of their means; the last line is JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import sys
from pathlib import Path

MODELS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(MODELS))

from parafill.checkpoint import load_model  # noqa: E402
from parafill.config import SEQUENCES  # noqa: E402
from parafill.corpus.shards import sha256_of  # noqa: E402
from parafill.distill import DistillConfig, distill, step_sizes  # noqa: E402
from parafill.sources import add_training_arguments, make_source, parse_training_arguments  # noqa: E402
from parafill.tokenizer import load_tokenizer  # noqa: E402
from parafill.training import Budget, at_rate  # noqa: E402
from tasks.answers import AnswerBook, build_engine  # noqa: E402
from tasks.distill_ablation import ablation_series, ablation_table, seeds_table  # noqa: E402
from tasks.package_holes import holes_of_shards  # noqa: E402
from tasks.plan import carry_out  # noqa: E402
from tasks.subjects import subject_of  # noqa: E402

#: What differs from the usual: fields of DistillConfig.
VARIANTS: dict[str, dict] = {
    "reverse KL": {"reverse_share": 1.0},
    "half reverse, half forward KL": {},
    "forward KL": {"reverse_share": 0.0},
    "JSD": {"reverse_share": 0.0, "jsd_share": 1.0},
    "half reverse KL, half JSD": {"jsd_share": 0.5},
    "half reverse, half forward KL, certainty 0.1": {"certainty_weight": 0.1},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="the teacher")
    parser.add_argument("--preset", choices=sorted(SEQUENCES), default="small")
    parser.add_argument("--steps", type=int, default=20, help="updates of each round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--limit", type=int, default=100, help="package holes")
    parser.add_argument("--seed", type=int, default=2, help="the first one")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", choices=list(VARIANTS), nargs="+", default=list(VARIANTS))
    add_training_arguments(parser)
    parser.add_argument("--recipe", type=Path, default=MODELS / "tasks" / "package_holes.json")
    parser.add_argument("--out", type=Path, default=MODELS / "checkpoints" / "distill-ablations")
    options = parse_training_arguments(parser)
    subjects = [subject_of(options.checkpoint, "teacher", "teacher", options.tokenizer, options.out / "exports")]
    choice_of: dict[str, str] = {}
    for seed in range(options.seed, options.seed + options.seeds):
        for name in options.only:
            label = name if options.seeds == 1 else f"{name}, seed {seed}"
            choice_of[label] = name
            student = distilled(name, seed, options)
            subjects.append(subject_of(student, "student", label, options.tokenizer, options.out / "exports"))
    tokenizer = load_tokenizer(options.tokenizer)
    holes = holes_of_shards(options.shards, options.tokenizer.parent, options.recipe)[: options.limit]
    series = [one for subject in subjects for one in ablation_series(subject, holes)]
    book = AnswerBook(
        options.out / "answers", MODELS.parent, build_engine(MODELS.parent), threads=options.threads or None
    )
    table, figures = ablation_table(carry_out(series, book), subjects, tokenizer)
    print(table)
    if options.seeds > 1:
        print(f"\n{seeds_table(figures, choice_of)}")
    print(json.dumps(figures))


def distilled(name: str, seed: int, options: argparse.Namespace) -> Path:
    """The last round of one choice; runs what is not done yet."""
    model = load_model(options.checkpoint).config
    source = functools.partial(
        make_source, options.shards, options.tokenizer, "train", model, SEQUENCES[options.preset], options.batch,
        seed,
    )  # fmt: skip
    config = DistillConfig(
        Budget(steps=options.steps),
        rounds=step_sizes(options.rounds),
        seed=seed,
        compile=not options.no_compile,
        flex=options.flex,
        workers=options.workers,
    )
    config = at_rate(dataclasses.replace(config, **VARIANTS[name]), options.rate)
    # Another teacher, another first step: nothing of that may be taken for done.
    size = f"{options.preset}-{options.steps}x{options.batch}-rounds-{options.rounds}-rate-{options.rate:g}"
    teacher = sha256_of(options.checkpoint / "weights.safetensors")[:12]
    folder = options.out / f"{size}-{teacher}" / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
    return distill(options.checkpoint, config, source, folder, load_tokenizer(options.tokenizer).special.eoh)[-1]


if __name__ == "__main__":
    main()

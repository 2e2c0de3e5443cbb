"""Writes a model's EVALUATION.md with its plots: everything is asked through the product's engine.

    python scripts/report.py --model parafill-small --human-eval PATH/TO/human-eval-infilling
    python scripts/report.py --teacher checkpoints/small/pretrain --rounds checkpoints/small/round1 --minutes 30

Teacher and rounds may be exported models or checkpoints. Answers are kept in --answers: an interrupted or larger
report asks only what is missing. `--minutes` ends with what there is by then, the same items for everybody.
The last line of standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

MODELS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(MODELS))

from parafill.checkpoint import CheckpointError  # noqa: E402
from parafill.corpus.shards import ShardError, open_shards  # noqa: E402
from parafill.tokenizer import CodeTokenizer, TokenizerError, load_tokenizer  # noqa: E402
from tasks import human_eval_infilling as human_eval  # noqa: E402
from tasks.answers import AnswerBook, build_engine  # noqa: E402
from tasks.bigram import bigram_run  # noqa: E402
from tasks.engine import EngineError  # noqa: E402
from tasks.joint_holes import JointHoles, build_joint_holes  # noqa: E402
from tasks.package_holes import (  # noqa: E402
    PackageHole,
    RecipeError,
    fingerprint,
    holes_of_shards,
    load_recipe,
)
from tasks.plan import carry_out  # noqa: E402
from tasks.report.document import Sources, write_report  # noqa: E402
from tasks.report.packages import run_of  # noqa: E402
from tasks.report.questions import PACKAGES, Scope, series_of  # noqa: E402
from tasks.subjects import Subject, subject_of  # noqa: E402
from tasks.workspace import add_files  # noqa: E402

#: Enough to see that everything works.
QUICK = Scope(
    steps=(1, 4),
    told_steps=(4,),
    human_eval_steps=(4,),
    draw_steps=(4,),
    samples=4,
    limit=8,
    human_eval_limit=4,
    draw_limit=3,
    joint_limit=3,
)


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    try:
        summary = report(options)
    except (CheckpointError, EngineError, RecipeError, ShardError, TokenizerError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(summary))
    return 0


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("PARAFILL_DATA", MODELS / "data"))
    usual = Scope()
    parser.add_argument("--model", type=Path, default=MODELS / "parafill-small", help="what ships")
    parser.add_argument("--teacher", type=Path, help="what it was distilled from")
    parser.add_argument("--rounds", type=Path, nargs="+", default=[], help="students of earlier rounds, in order")
    parser.add_argument("--out", type=Path, help="default: the model's folder")
    parser.add_argument("--human-eval", type=Path, help="folder of HumanEval-Infilling files")
    parser.add_argument("--shards", type=Path, default=data / "shards")
    parser.add_argument("--recipe", type=Path, default=MODELS / "tasks" / "package_holes.json")
    parser.add_argument("--no-packages", action="store_true", help="leave the package holes out")
    parser.add_argument(
        "--answers", type=Path, default=MODELS / "checkpoints" / "answers", help="where answers are kept"
    )
    parser.add_argument("--quick", action="store_true", help="a few items, to see that everything works")
    parser.add_argument("--minutes", type=float, help="of asking, at most")
    parser.add_argument("--max-tokens", type=int, help="only package holes of at most so many tokens")
    parser.add_argument("--limit", type=int, help="the most package holes")
    parser.add_argument("--human-eval-limit", type=int, help="the most tasks of a split")
    parser.add_argument("--draw-limit", type=int, help=f"the most items that are drawn for ({usual.draw_limit})")
    parser.add_argument("--joint-limit", type=int, help=f"the most files with several holes ({usual.joint_limit})")
    for name in ("steps", "told-steps", "human-eval-steps", "draw-steps"):
        given = ",".join(map(str, getattr(usual, name.replace("-", "_"))))
        parser.add_argument(f"--{name}", type=whole_numbers, help=f"comma separated caps ({given})")
    parser.add_argument("--main-steps", type=int, help=f"what breakdowns are about ({usual.main_steps})")
    parser.add_argument("--samples", type=int, help=f"draws an item ({usual.samples})")
    parser.add_argument("--temperature", type=float, help=f"of draws ({usual.temperature})")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args(arguments)
    options.command = shlex.join(["scripts/report.py", *shown(sys.argv[1:] if arguments is None else arguments)])
    return options


def whole_numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def shown(arguments: list[str]) -> list[str]:
    """The command line without anybody's folders: a path outside models/ is named by its last part."""
    return [f"…/{Path(word).name}" if Path(word).is_absolute() else word for word in arguments]


def report(options: argparse.Namespace) -> dict:
    scope = scope_of(options)
    tokenizer = load_tokenizer(options.model)
    subjects = subjects_of(options)
    engine = build_engine(MODELS.parent)
    holes = [] if options.no_packages else holes_of_shards(options.shards, options.model, options.recipe)
    holes = [hole for hole in holes if options.max_tokens is None or hole.tokens <= options.max_tokens]
    splits = {
        split: human_eval.load_tasks(options.human_eval, split) for split in human_eval.FILES if options.human_eval
    }

    def with_files(shown: Sequence[PackageHole]) -> list[dict]:
        documents = open_shards(options.shards, "test")
        return add_files([hole.request(False) for hole in shown], list(shown), documents, tokenizer)

    joint = joint_of_shards(options, tokenizer, scope.joint_limit) if holes else []
    plan = [
        series
        for subject in subjects
        for series in series_of(subject, scope, tokenizer, holes, splits, with_files, joint)
    ]
    findings = carry_out(plan, AnswerBook(options.answers, MODELS.parent, engine, options.threads), options.minutes)
    sources = Sources(subjects, tokenizer, engine, options.command, MODELS / "corpus" / "manifest.json")
    if holes:
        bigram = bigram_run(options.shards, tokenizer, holes[: scope.limit], options.answers)
        sources = dataclasses.replace(sources, mark=fingerprint(holes[: scope.limit]), bigram=bigram)
    judge = human_eval.Judge(options.answers / "verdicts.jsonl", workers=os.cpu_count() or 1)
    path = write_report(options.out or options.model, findings, scope, sources, judge)
    return {"report": str(path), "packages": [run_of(found).summary() for found in findings.of(PACKAGES, is_told=None)]}


def joint_of_shards(options: argparse.Namespace, tokenizer: CodeTokenizer, limit: int) -> list[JointHoles]:
    documents = open_shards(options.shards, "test")
    return build_joint_holes(documents, tokenizer, load_recipe(options.recipe).seed, limit)


def scope_of(options: argparse.Namespace) -> Scope:
    """The usual or the quick scope with what was asked for by name."""
    names = [field.name for field in dataclasses.fields(Scope)]
    given = {name: value for name in names if (value := getattr(options, name, None)) is not None}
    return dataclasses.replace(QUICK if options.quick else Scope(), **given)


def subjects_of(options: argparse.Namespace) -> list[Subject]:
    """What ships comes first."""
    exports, tokenizer = options.answers / "exports", options.model / "tokenizer.json"
    subjects = [subject_of(options.model, "student", "student", tokenizer, exports)]
    if options.teacher:
        subjects.append(subject_of(options.teacher, "teacher", "teacher", tokenizer, exports, options.model))
    for number, folder in enumerate(options.rounds, 1):
        subjects.append(subject_of(folder, "round", f"round {number}", tokenizer, exports, options.model))
    return subjects


if __name__ == "__main__":
    sys.exit(main())

"""Measures a model folder through the product's engine: package holes and HumanEval-Infilling.

    python scripts/evaluate.py --model parafill-small --steps 1,2,4,8,16
    python scripts/evaluate.py --human-eval PATH/TO/human-eval-infilling --oracle

Prints markdown tables; the last line of standard output is one JSON object. Nothing is assumed:
every figure comes from answers of this very call, and errors count as wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

MODELS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(MODELS))

from parafill.corpus.shards import ShardError, open_shards, read_index, sha256_of  # noqa: E402
from parafill.tokenizer import CodeTokenizer, TokenizerError, load_tokenizer  # noqa: E402
from tasks import human_eval_infilling as human_eval  # noqa: E402
from tasks.bigram import load_bigram  # noqa: E402
from tasks.calibration import calibration_table  # noqa: E402
from tasks.diversity import diversity, diversity_table  # noqa: E402
from tasks.engine import EngineError, EngineOptions, run_engine  # noqa: E402
from tasks.metrics import markdown_table, wilson  # noqa: E402
from tasks.package_holes import (  # noqa: E402
    PackageHole,
    RecipeError,
    build_holes,
    fingerprint,
    load_recipe,
)
from tasks.package_report import (  # noqa: E402
    HoleResult,
    Run,
    breakdown_table,
    overall_table,
    results_of,
)
from tasks.sure import sure_table  # noqa: E402
from tasks.workspace import add_files, gain_table  # noqa: E402


def main() -> int:
    options = parse_options()
    try:
        summary = evaluate(options)
    except (EngineError, RecipeError, ShardError, TokenizerError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(summary))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("PARAFILL_DATA", MODELS / "data"))
    parser.add_argument("--model", type=Path, default=MODELS / "parafill-small")
    parser.add_argument("--label", help="name of the model in the tables (default: its folder)")
    parser.add_argument("--shards", type=Path, default=data / "shards")
    parser.add_argument("--recipe", type=Path, default=MODELS / "tasks" / "package_holes.json")
    parser.add_argument("--steps", default="1,2,4,8,16", help="comma separated caps")
    parser.add_argument("--modes", default="diffusion,ar", help="diffusion, ar or both")
    parser.add_argument("--limit", type=int, help="only the first N holes (a fair sample)")
    parser.add_argument("--max-tokens", type=int, help="only holes of at most N tokens")
    parser.add_argument("--oracle", action="store_true", help="also with the true length given")
    parser.add_argument(
        "--workspace", action="store_true", help="the package holes also with the other files of their package"
    )
    parser.add_argument("--no-packages", action="store_true", help="skip the package holes")
    parser.add_argument("--human-eval", type=Path, help="folder of HumanEval-Infilling files")
    parser.add_argument("--human-eval-limit", type=int, help="only every n-th task, N in all")
    parser.add_argument(
        "--samples", type=int, default=1, help="fills per task (10: pass@10) and hole (10: distinct-of-10)"
    )
    parser.add_argument("--temperature", type=float, default=0.8, help="when samples > 1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--details", type=Path, help="write every answer here as JSON lines")
    return parser.parse_args()


def evaluate(options: argparse.Namespace) -> dict:
    tokenizer = load_tokenizer(options.model)
    label = options.label or options.model.resolve().name
    summary: dict = {"model": label, "packages": None, "humanEval": None}
    if options.details:
        options.details.parent.mkdir(parents=True, exist_ok=True)
        options.details.unlink(missing_ok=True)
    if not options.no_packages:
        summary["packages"] = evaluate_packages(options, tokenizer, label)
    if options.human_eval:
        summary["humanEval"] = [
            entry for split in human_eval.FILES for entry in evaluate_human_eval(options, tokenizer, label, split)
        ]
    return summary


def ways(options: argparse.Namespace, is_told_length: bool) -> list[EngineOptions]:
    """The ways of decoding that are compared.

    AR has no step cap, so it is one way; it ends holes itself and has no use for a length.
    """
    base = EngineOptions(model=options.model, seed=options.seed, threads=options.threads)
    result = []
    modes = options.modes.split(",")
    if "diffusion" in modes:
        result += [replace(base, steps=int(steps)) for steps in options.steps.split(",")]
    if "ar" in modes and not is_told_length:
        result.append(replace(base, mode="ar"))
    return result


def name_of(way: EngineOptions, label: str) -> str:
    if way.mode == "ar":
        return f"{label}, autoregressive"
    return f"{label}, {way.steps} step{'' if way.steps == 1 else 's'}"


def evaluate_packages(options: argparse.Namespace, tokenizer: CodeTokenizer, label: str) -> dict:
    check_tokenizer(options)
    documents = open_shards(options.shards, "test")
    holes = build_holes(documents, tokenizer, load_recipe(options.recipe))
    if options.max_tokens:
        holes = [hole for hole in holes if hole.tokens <= options.max_tokens]
    holes = holes[: options.limit]
    mark = fingerprint(holes)
    runs = [bigram_run(options, tokenizer, holes)]
    pairs: list[tuple[Run, Run]] = []
    for is_told in (False, True) if options.oracle else (False,):
        for way in ways(options, is_told):
            name = name_of(way, label)
            requests = [hole.request(is_told) for hole in holes]
            answers = run_engine(MODELS.parent, requests, way, name)
            runs.append(Run(name, is_told, results_of(holes, answers)))
            print(json.dumps(runs[-1].summary()), file=sys.stderr)
            write_details(options.details, runs[-1])
            if options.workspace:
                name = f"{name}, with files"
                answers = run_engine(MODELS.parent, add_files(requests, holes, documents, tokenizer), way, name)
                pairs.append((runs[-1], Run(name, is_told, results_of(holes, answers))))
                runs.append(pairs[-1][1])
                print(json.dumps(runs[-1].summary()), file=sys.stderr)
                write_details(options.details, runs[-1])
    print(f"## Package holes\n\n{len(holes)} holes in test packages, fingerprint `{mark}`. ", end="")
    print("Exact match is of every character; the interval is 95 %.\n")
    print(overall_table(runs))
    if pairs:
        print(f"\n{gain_table(pairs)}")
    for title, key in (
        ("length in tokens", lambda hole: hole.bucket),
        ("kind", lambda hole: hole.kind),
        ("language", lambda hole: hole.language),
    ):
        print(f"\n{breakdown_table(runs, title, key)}")
    for run in runs:
        if any(result.beginnings for result in run.results) and not run.is_told_length:
            print(f"\n### Sure beginnings, {run.label}\n\n{sure_table(run)}")
    print(f"\n### Calibration\n\n{calibration_table(runs)}\n")
    summary: dict = {"fingerprint": mark, "runs": [run.summary() for run in runs]}
    if options.samples > 1:
        summary["diversity"] = measure_diversity(options, tokenizer, label, holes)
    return summary


def measure_diversity(
    options: argparse.Namespace, tokenizer: CodeTokenizer, label: str, holes: list[PackageHole]
) -> dict[str, dict[str, float]]:
    rows = []
    for way in ways(options, is_told_length=True):
        way = replace(way, candidates=options.samples, temperature=options.temperature)
        answers = run_engine(MODELS.parent, [hole.request(False) for hole in holes], way, f"draws: {way.steps} steps")
        rows.append((name_of(way, label), diversity(list(answers.values()), options.samples, tokenizer)))
    print(f"### Diversity\n\n{diversity_table(rows, options.samples, options.temperature)}\n")
    return dict(rows)


def check_tokenizer(options: argparse.Namespace) -> None:
    """Ids in shards mean nothing under another tokenizer."""
    recorded = read_index(options.shards).get("tokenizerSha256")
    found = sha256_of(options.model / "tokenizer.json")
    if recorded is not None and recorded != found:
        raise TokenizerError(
            f"{options.shards}: tokenised with tokenizer.json of sha256 {recorded}, but "
            f"{options.model} has {found}; run `python scripts/corpus.py shards` with it"
        )


def bigram_run(options: argparse.Namespace, tokenizer: CodeTokenizer, holes: list[PackageHole]) -> Run:
    bigram = load_bigram(options.shards, tokenizer)
    results = [HoleResult(hole, bigram.fill(hole), None, 0.0, 0, None) for hole in holes]
    return Run("bigram", True, results)


def write_details(path: Path | None, run: Run) -> None:
    if path is None:
        return
    with path.open("a", encoding="utf-8") as out:
        for result in run.results:
            hole = result.hole
            row = {
                "run": run.label,
                "oracleLength": run.is_told_length,
                "id": hole.id,
                "package": hole.package,
                "path": hole.path,
                "language": hole.language,
                "kind": hole.kind,
                "bucket": hole.bucket,
                "target": hole.target,
                "fill": result.fill,
                "error": result.error,
            }
            out.write(json.dumps(row, ensure_ascii=True) + "\n")


def evaluate_human_eval(options: argparse.Namespace, tokenizer: CodeTokenizer, label: str, split: str) -> list[dict]:
    tasks = human_eval.load_tasks(options.human_eval, split)
    if options.human_eval_limit:
        tasks = tasks[:: max(1, len(tasks) // options.human_eval_limit)]
        tasks = tasks[: options.human_eval_limit]
    k = options.samples
    entries: list[dict] = []
    rows: list[list[str]] = []
    for is_told in (False, True) if options.oracle else (False,):
        for way in ways(options, is_told):
            if k > 1:
                way = replace(way, candidates=k, temperature=options.temperature)
            requests = [task.request(tokenizer if is_told else None) for task in tasks]
            name = name_of(way, label)
            answers = run_engine(MODELS.parent, requests, way, f"{split}: {name}")
            entry = human_eval.score(tasks, answers, k)
            entry["medianMs"] = round(entry["medianMs"], 1)
            entry = {"split": split, "run": name, "oracleLength": is_told, **entry}
            entries.append(entry)
            print(json.dumps(entry), file=sys.stderr)
            low, high = wilson(round(entry["pass1"] * len(tasks)), len(tasks))
            rows.append(
                [
                    name + (", true length given" if is_told else ""),
                    f"{100 * entry['pass1']:.1f} % ({100 * low:.1f}-{100 * high:.1f})",
                    *([f"{100 * entry['anyOfK']:.1f} %"] if k > 1 else []),
                    f"{100 * entry['exact']:.1f} %",
                    f"{entry['medianMs']:.0f}",
                    str(entry["errors"]),
                ]
            )
    header = ["run", "pass@1", *([f"any of {k}"] if k > 1 else []), "exact", "ms", "errors"]
    drawn = "greedy"
    if k > 1:
        drawn = f"{k} fills at temperature {options.temperature}; pass@1 is the best-ranked one's"
    print(f"## HumanEval-Infilling, {split}\n\n{len(tasks)} tasks, {drawn}.\n")
    print(markdown_table(header, rows) + "\n")
    return entries


if __name__ == "__main__":
    sys.exit(main())

"""The chapter about HumanEval-Infilling."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tasks import human_eval_infilling as human_eval
from tasks.metrics import markdown_table, rate_cell
from tasks.plan import Findings
from tasks.report.questions import Scope

Judge = Callable[[Sequence[str]], list[bool]]

INTRODUCTION = (
    "A fill counts when the program passes the benchmark's tests, run in a process of its own with "
    f"{human_eval.TIME_LIMIT_SECONDS} seconds, {human_eval.MEMORY_LIMIT_BYTES >> 20} MiB of memory and "
    f"{human_eval.OUTPUT_LIMIT_BYTES >> 20} MiB of output. Many tasks come from one problem, so intervals, which take "
    "tasks as independent, are somewhat too narrow. Published, single-line: Open-dCoder 0.5B 32.5 % without the true "
    "length and 77.4 % with it; with it DiffuLLaMA 127M 0.3 %, 355M 2.9 %, 7B 15.5 %, AS-ARM 110M 38.6 %."
)


def programs_chapter(findings: Findings, scope: Scope, judge: Judge) -> str:
    """pass@1 of the likeliest fill, then pass@1 and pass@k of drawn ones, a table a split."""
    parts = []
    for split in human_eval.FILES:
        greedy = findings.of(split, is_told=None)
        if not greedy:
            continue
        rows = []
        for found in greedy:
            score = human_eval.score(found.items, found.answers, judge)
            rows.append(
                [
                    found.series.label,
                    str(len(found.answers)),
                    rate_cell(score.best),
                    rate_cell(score.exact),
                    f"{score.cached_ms:.0f}",
                    str(score.errors),
                ]
            )
        header = ["likeliest fill", "n", "pass@1", "exact", "ms, context cached", "errors"]
        parts += [f"### {split}", markdown_table(header, rows)]
        parts += _drawn(findings, split, scope, judge)
    return "\n\n".join(["## HumanEval-Infilling", INTRODUCTION, *parts]) if parts else ""


def _drawn(findings: Findings, split: str, scope: Scope, judge: Judge) -> list[str]:
    rows = []
    k = scope.samples
    for found in findings.of(split, is_told=None, is_drawn=True):
        score = human_eval.score(found.items, found.answers, judge)
        rows.append(
            [
                found.series.label,
                str(len(found.answers)),
                rate_cell(score.pass_at(1, k)),
                rate_cell(score.pass_at(k, k)),
                rate_cell(score.best),
            ]
        )
    header = [
        f"{k} draws at temperature {scope.temperature:g}", "n", "pass@1 of a draw", f"pass@{k}", "best-ranked of them",
    ]  # fmt: skip
    return [markdown_table(header, rows)] if rows else []

"""What choices of distillation are compared by: quality in few steps, and whether draws still differ."""

from __future__ import annotations

from collections.abc import Sequence

from parafill.tokenizer import CodeTokenizer
from tasks.diversity import diversity
from tasks.metrics import markdown_table, mean, rate_cell
from tasks.package_holes import PackageHole
from tasks.plan import Findings, Series, Way
from tasks.report.packages import run_of
from tasks.report.questions import PACKAGES
from tasks.subjects import Subject

STEPS = (1, 4)
DRAWS = Way(steps=4, candidates=10, temperature=0.8)


def ablation_series(subject: Subject, holes: Sequence[PackageHole]) -> list[Series]:
    """The likeliest fills in few steps, and ten draws."""
    requests = [hole.request(False) for hole in holes]
    ways = [*(Way(steps=steps) for steps in STEPS), DRAWS]
    return [Series(subject, PACKAGES, way, False, holes, [way.of(request) for request in requests]) for way in ways]


def ablation_table(
    findings: Findings, subjects: Sequence[Subject], tokenizer: CodeTokenizer
) -> tuple[str, dict[str, dict[str, float]]]:
    """One line a subject, and the same figures as plain numbers by its label."""
    rows, figures = [], {}
    for subject in subjects:
        runs = [
            run_of(found)
            for steps in STEPS
            for found in findings.of(PACKAGES, steps=steps)
            if found.series.subject == subject
        ]
        (drawn,) = [one for one in findings.of(PACKAGES, is_drawn=True) if one.series.subject == subject]
        found = diversity(drawn.answers, tokenizer)
        rows.append(
            [
                subject.label,
                str(len(drawn.answers)),
                *(cell for run in runs for cell in (rate_cell(run.exact), f"{100 * mean(run.similarity):.1f} %")),
                f"{mean(found.entropy):.2f}",
                f"{mean(found.different):.1f}",
            ]
        )
        figures[subject.label] = {
            **{f"exact{steps}": mean(run.exact) for steps, run in zip(STEPS, runs, strict=True)},
            **{f"similarity{steps}": mean(run.similarity) for steps, run in zip(STEPS, runs, strict=True)},
            "entropy": mean(found.entropy),
            "different": mean(found.different),
        }
    steps = [f"{name}, {n} step{'' if n == 1 else 's'}" for n in STEPS for name in ("exact", "similarity")]
    return markdown_table(["divergence", "n", *steps, "entropy of draws, nats", "distinct of 10"], rows), figures

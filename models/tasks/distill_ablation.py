"""What choices of distillation are compared by: quality in few steps, and whether draws still differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parafill.tokenizer import CodeTokenizer
from tasks.diversity import diversity
from tasks.metrics import markdown_table, mean, rate_cell, spread_cell
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


def seeds_table(figures: Mapping[str, Mapping[str, float]], choice_of: Mapping[str, str]) -> str:
    """One line a choice: mean ± standard deviation over its seeds of what `ablation_table` found, label by label.

    `choice_of`: the choice each label belongs to; labels without one, as the teacher's, are left out.
    """
    choices: dict[str, list[Mapping[str, float]]] = {}
    for label, found in figures.items():
        if label in choice_of:
            choices.setdefault(choice_of[label], []).append(found)
    kinds = list(next(iter(figures.values())))
    rows = [[name, *(spread_cell([one[kind] for one in runs]) for kind in kinds)] for name, runs in choices.items()]
    return markdown_table(["divergence", *kinds], rows)

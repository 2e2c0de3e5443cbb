"""Whether an engine that says 70 % is right in 70 % of the cases."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tasks.metrics import markdown_table, mean, rate_cell
from tasks.package_report import HoleResult, Run

BINS = 10


def expected_calibration_error(claims: Sequence[float], hits: Sequence[bool]) -> float:
    """Mean distance of claimed and found rate over BINS equal intervals of [0, 1], weighted by their answers.

    (Guo et al. 2017, arXiv 1706.04599, eq. 3.) NaN of nothing.
    """
    gaps = [count * abs(claimed - found) for claimed, found, count in reliability(claims, hits)]
    return sum(gaps) / len(claims) if claims else math.nan


def reliability(claims: Sequence[float], hits: Sequence[bool]) -> list[tuple[float, float, int]]:
    """Of each of BINS equal intervals with answers in it: (mean claim, rate of hits, answers), lowest first."""
    bins: dict[int, list[int]] = {}
    for index, claim in enumerate(claims):
        bins.setdefault(min(BINS - 1, int(claim * BINS)), []).append(index)
    return [
        (mean([claims[i] for i in own]), mean([float(hits[i]) for i in own]), len(own))
        for _, own in sorted(bins.items())
    ]


def claims_of(result: HoleResult) -> dict[str, float]:
    """What the engine claims about one answer: names as in the table, probabilities."""
    return {"likelihood of the whole fill": math.exp(min(0.0, result.score)), "confidence": result.confidence}


def judged(run: Run) -> tuple[list[HoleResult], list[bool]]:
    """The answers that claim something, and whether each is exact."""
    answered = [result for result in run.results if result.error is None and not math.isnan(result.score)]
    return answered, [result.is_exact for result in answered]


def calibration_table(runs: list[Run]) -> str:
    """Of every run: for each claim, its mean, the rate of exact fills, and the calibration error."""
    rows = []
    for run in runs:
        answered, hits = judged(run)
        for name in claims_of(answered[0]) if answered else ():
            claims = [claims_of(result)[name] for result in answered]
            rows.append(
                [
                    f"{run.label}: {name}",
                    str(len(claims)),
                    f"{100 * mean(claims):.1f} %",
                    rate_cell([float(hit) for hit in hits]),
                    f"{100 * expected_calibration_error(claims, hits):.1f}",
                ]
            )
    return markdown_table(["claim", "n", "claimed", "exact", "calibration error, points"], rows)

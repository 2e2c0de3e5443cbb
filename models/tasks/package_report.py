"""Figures of one run over the package holes, and the tables made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tasks.engine import Answer
from tasks.metrics import edit_similarity, markdown_table, mean, median, wilson
from tasks.package_holes import PackageHole

SHORT_TOKENS = 8


@dataclass(frozen=True)
class HoleResult:
    """One hole and what came back for it. `parses` is None where nobody could tell."""

    hole: PackageHole
    fill: str
    parses: bool | None
    total_ms: float
    steps: int
    error: str | None
    # See Answer.beginnings.
    beginnings: list[tuple[int, float]] = field(default_factory=list)
    score: float = math.nan
    confidence: float = math.nan

    @property
    def is_exact(self) -> bool:
        return self.error is None and self.fill == self.hole.target

    @property
    def similarity(self) -> float:
        return 0.0 if self.error else edit_similarity(self.hole.target, self.fill)


@dataclass(frozen=True)
class Run:
    """All holes answered in one way ("diffusion, 4 steps"). `is_told_length`: oracle length."""

    label: str
    is_told_length: bool
    results: list[HoleResult]

    def summary(self) -> dict:
        """Plain figures for JSON."""
        short = [r for r in self.results if r.hole.tokens <= SHORT_TOKENS]
        parsed = [r.parses for r in self.results if r.parses is not None]
        return {
            "run": self.label,
            "oracleLength": self.is_told_length,
            "holes": len(self.results),
            "shortHoles": len(short),
            "exactShort": _rate([r.is_exact for r in short]),
            "exact": _rate([r.is_exact for r in self.results]),
            "similarity": round(mean([r.similarity for r in self.results]), 4),
            "parses": _rate(parsed) if parsed else None,
            "medianMs": round(median([r.total_ms for r in self.results]), 1),
            "meanSteps": round(mean([float(r.steps) for r in self.results]), 2),
            "errors": sum(1 for r in self.results if r.error is not None),
        }


def results_of(holes: list[PackageHole], answers: Mapping[str, Answer]) -> list[HoleResult]:
    """Joins holes and the engine's answers."""
    results = []
    for hole in holes:
        answer = answers[hole.id]
        parses = answer.parses[0] if answer.parses else None
        results.append(
            HoleResult(
                hole, answer.best, parses, answer.total_ms, answer.steps, answer.error,
                answer.beginnings, answer.score, answer.confidence,
            )
        )  # fmt: skip
    return results


def overall_table(runs: list[Run]) -> str:
    """One line a run: the figures that matter most, with 95 % intervals for exact match."""
    header = [
        "run", f"exact ≤{SHORT_TOKENS} tokens", "exact all", "similarity", "parses", "passes", "ms",
        "errors",
    ]  # fmt: skip
    rows = []
    for run in runs:
        summary = run.summary()
        short = [r for r in run.results if r.hole.tokens <= SHORT_TOKENS]
        low, high = wilson(sum(r.is_exact for r in short), len(short))
        parses = summary["parses"]
        rows.append(
            [
                run.label + (", true length given" if run.is_told_length else ""),
                f"{_percent(summary['exactShort'])} ({100 * low:.1f}-{100 * high:.1f})",
                _percent(summary["exact"]),
                _percent(summary["similarity"]),
                "-" if parses is None else _percent(parses),
                f"{summary['meanSteps']:.1f}" if summary["meanSteps"] else "-",
                f"{summary['medianMs']:.0f}" if summary["medianMs"] else "-",
                str(summary["errors"]),
            ]
        )
    return markdown_table(header, rows)


def breakdown_table(runs: list[Run], title: str, key: Callable[[PackageHole], str]) -> str:
    """Exact match of every run by language, kind or length."""
    values = sorted({key(result.hole) for result in runs[0].results}, key=_natural)
    counts = {value: sum(1 for result in runs[0].results if key(result.hole) == value) for value in values}
    header = [f"exact match by {title}", *(f"{value} (n={counts[value]})" for value in values)]
    rows = []
    for run in runs:
        cells = []
        for value in values:
            hits = [r.is_exact for r in run.results if key(r.hole) == value]
            cells.append(_percent(_rate(hits)))
        rows.append([run.label + (" *" if run.is_told_length else ""), *cells])
    return markdown_table(header, rows) + "\n\n`*` the true length was given."


def _rate(hits: list[bool]) -> float:
    return round(mean([float(hit) for hit in hits]), 4)


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def _natural(value: str) -> tuple[int, str]:
    """Lengths in their order, everything else by name."""
    head = value.split("-")[0]
    return (int(head) if head.isdigit() else 0, value)

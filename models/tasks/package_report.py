"""Figures of one run over the package holes, and the tables made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.engine import Answer
from tasks.metrics import edit_similarity, markdown_table, mean, median, rate_cell
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
    encode_ms: float = 0.0

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

    @property
    def exact(self) -> list[float]:
        """1 or 0 a hole."""
        return [float(result.is_exact) for result in self.results]

    @property
    def short_exact(self) -> list[float]:
        """The same of holes of at most SHORT_TOKENS tokens."""
        return [float(result.is_exact) for result in self.results if result.hole.tokens <= SHORT_TOKENS]

    @property
    def similarity(self) -> list[float]:
        """0 to 1 a hole."""
        return [result.similarity for result in self.results]

    @property
    def parses(self) -> list[float]:
        """1 or 0 a hole, where somebody could tell."""
        return [float(result.parses) for result in self.results if result.parses is not None]

    @property
    def cached_ms(self) -> float:
        """Median milliseconds after the context was read: what an answer costs while one types."""
        return median([result.total_ms - result.encode_ms for result in self.results])

    def summary(self) -> dict:
        """Plain figures for JSON."""
        return {
            "run": self.label,
            "oracleLength": self.is_told_length,
            "holes": len(self.results),
            "exactShort": _rounded(self.short_exact),
            "exact": _rounded(self.exact),
            "similarity": _rounded(self.similarity),
            "parses": _rounded(self.parses),
            "cachedMs": round(self.cached_ms, 1),
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
                answer.beginnings, answer.score, answer.confidence, answer.encode_ms,
            )
        )  # fmt: skip
    return results


def overall_table(runs: list[Run]) -> str:
    """One line a run: the figures that matter most, with 95 % intervals."""
    short = len(runs[0].short_exact)
    header = [
        "run", f"exact, ≤{SHORT_TOKENS} tokens (n={short})", "exact, all", "edit similarity", "parses", "passes",
        "ms, context cached", "errors",
    ]  # fmt: skip
    rows = []
    for run in runs:
        summary = run.summary()
        is_timed = run.cached_ms > 0
        rows.append(
            [
                run.label,
                rate_cell(run.short_exact),
                rate_cell(run.exact),
                rate_cell(run.similarity),
                rate_cell(run.parses),
                f"{summary['meanSteps']:.1f}" if is_timed else "-",
                f"{run.cached_ms:.0f}" if is_timed else "-",
                str(summary["errors"]),
            ]
        )
    return markdown_table(header, rows)


def breakdown_table(run: Run, rivals: Sequence[Run], title: str, key: Callable[[PackageHole], str]) -> str:
    """One line a language, kind or length: all figures of a run, and beside them exact match of its rivals."""
    values = sorted({key(result.hole) for result in run.results}, key=_natural)
    header = [title, "n", "exact", "edit similarity", "parses", *(f"exact: {rival.label}" for rival in rivals)]
    rows = []
    for value in values:
        own, *others = (
            Run(r.label, r.is_told_length, [result for result in r.results if key(result.hole) == value])
            for r in (run, *rivals)
        )
        cells = [rate_cell(own.exact), rate_cell(own.similarity), rate_cell(own.parses)]
        rows.append([value, str(len(own.results)), *cells, *(rate_cell(other.exact) for other in others)])
    return markdown_table(header, rows)


def _rounded(values: Sequence[float]) -> float | None:
    return round(mean(values), 4) if values else None


def _natural(value: str) -> tuple[int, str]:
    """Lengths in their order, everything else by name."""
    head = value.split("-")[0]
    return (int(head) if head.isdigit() else 0, value)

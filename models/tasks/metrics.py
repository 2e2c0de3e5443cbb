"""Figures over answers: similarity, averages, and the uncertainty of a rate."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from difflib import SequenceMatcher


def edit_similarity(expected: str, found: str) -> float:
    """1 for equal texts, 0 for nothing in common: 2·matches / (both lengths)."""
    if not expected and not found:
        return 1.0
    return SequenceMatcher(None, expected, found, autojunk=False).ratio()


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean, NaN of nothing."""
    return sum(values) / len(values) if values else math.nan


def median(values: Sequence[float]) -> float:
    """Middle value (upper one of an even count), NaN of nothing."""
    return sorted(values)[len(values) // 2] if values else math.nan


#: Standard errors to each side of a mean that hold 95 %.
Z95 = 1.959964


def wilson(hits: float, count: int) -> tuple[float, float]:
    """95 % interval of a rate (Wilson's score interval); (0, 1) of nothing.

    `hits` may be a sum of values between 0 and 1, which vary less than hits and misses of the same mean do: the
    interval is then too wide rather than too narrow.
    """
    if count == 0:
        return 0.0, 1.0
    z = Z95
    rate = hits / count
    centre = rate + z * z / (2 * count)
    spread = z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return (centre - spread) / scale, (centre + spread) / scale


def pass_at_k(draws: int, right: int, k: int) -> float:
    """Chance that k of `draws` samples, taken without putting back, hold one of the `right` ones.

    The unbiased estimate of pass@k (Chen et al. 2021, arXiv 2107.03374, eq. 1).
    """
    if not 0 <= right <= draws or not 0 < k <= draws:
        raise ValueError(f"expected 0 <= right <= draws and 0 < k <= draws, found {right}, {draws}, {k}")
    return 1 - math.comb(draws - right, k) / math.comb(draws, k)


def difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Mean difference of paired values and its 95 % interval by the normal law: (mean, low, high)."""
    gaps = [a - b for a, b in zip(ours, theirs, strict=True)]
    middle = mean(gaps)
    if len(gaps) < 2:
        return middle, -math.inf, math.inf
    spread = Z95 * math.sqrt(sum((gap - middle) ** 2 for gap in gaps) / (len(gaps) - 1) / len(gaps))
    return middle, middle - spread, middle + spread


def rate_cell(values: Sequence[float]) -> str:
    """A table's cell: the mean of values between 0 and 1 in per cent, and its 95 % interval."""
    if not values:
        return "-"
    low, high = wilson(sum(values), len(values))
    return f"{100 * mean(values):.1f} % ({100 * low:.1f}-{100 * high:.1f})"


def difference_cell(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """A table's cell: by how many points the mean of ours is higher, and its 95 % interval."""
    middle, low, high = (100 * value for value in difference(ours, theirs))
    return f"{middle:+.1f} ({low:+.1f} to {high:+.1f})"


def spread_cell(values: Sequence[float], sign: str = "") -> str:
    """A table's cell: mean ± standard deviation over seeds; a single value has none. `sign`: "+" shows it always."""
    deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean(values):{sign}.3f}{deviation}"


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A GitHub table; the first column is text, the others are figures."""
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("|" + "|".join(["---"] + ["---:"] * (len(header) - 1)) + "|")
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)

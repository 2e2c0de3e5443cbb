"""Figures over answers: similarity, averages, and the uncertainty of a rate."""

from __future__ import annotations

import math
from difflib import SequenceMatcher


def edit_similarity(expected: str, found: str) -> float:
    """1 for equal texts, 0 for nothing in common: 2·matches / (both lengths)."""
    if not expected and not found:
        return 1.0
    return SequenceMatcher(None, expected, found, autojunk=False).ratio()


def mean(values: list[float]) -> float:
    """Arithmetic mean, NaN of nothing."""
    return sum(values) / len(values) if values else math.nan


def median(values: list[float]) -> float:
    """Middle value (upper one of an even count), NaN of nothing."""
    return sorted(values)[len(values) // 2] if values else math.nan


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a rate (Wilson's score interval); (0, 1) of nothing."""
    if count == 0:
        return 0.0, 1.0
    z = 1.959964
    rate = hits / count
    centre = rate + z * z / (2 * count)
    spread = z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return (centre - spread) / scale, (centre + spread) / scale


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A GitHub table; the first column is text, the others are figures."""
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("|" + "|".join(["---"] + ["---:"] * (len(header) - 1)) + "|")
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)

"""How often unasked ghost text would be shown, and how often it would be right, by the likelihood that is asked for."""

from __future__ import annotations

import math
import re

from tasks.metrics import markdown_table, mean
from tasks.package_report import Run

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_WORD = re.compile(r"\w|\$")


def sure_beginning(text: str, beginnings: list[tuple[int, float]], least: float) -> str:
    """What the server shows of a text: server/src/completion/sureBeginning.ts says the same in TypeScript."""
    units = text.encode("utf-16-le")
    shown = ""
    for end, log in beginnings:
        if log < math.log(least):
            break
        beginning, rest = units[: 2 * end].decode("utf-16-le"), units[2 * end :].decode("utf-16-le")
        if not (rest and _WORD.match(beginning[-1]) and _WORD.match(rest[0])):
            shown = beginning
    return shown


def sure_table(run: Run) -> str:
    """Holes that reach to the end of their line; white space alone is not shown."""
    holes = [r for r in run.results if r.hole.kind in ("rest of line", "whole lines") and r.error is None]
    rows = []
    for least in LEVELS:
        shown = [(sure_beginning(r.fill, r.beginnings, least).rstrip(), r.hole.target) for r in holes]
        shown = [(text, target) for text, target in shown if text.strip()]
        right = [text for text, target in shown if target.startswith(text)]
        rows.append(
            [
                f"{least}",
                f"{100 * len(shown) / max(1, len(holes)):.1f} %",
                f"{100 * len(right) / max(1, len(shown)):.1f} %",
                f"{mean([float(len(text)) for text in right]) if right else 0:.1f}",
            ]
        )
    return markdown_table(["at least so likely", "shown", "of these right", "characters, where right"], rows)

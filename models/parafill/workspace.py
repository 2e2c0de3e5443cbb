"""Pieces of other files that may help to fill a hole: `server/src/completion/workspace/` is the same in TypeScript.

A file is cut into chunks of a few lines, and one more kind of chunk lists its declarations. Chunks are ranked by the
names they share with the text around the hole, rare names counting more (Jaccard, weighted by inverse frequency).
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

#: A chunk ends at the first blank line behind so many lines, and at the latest behind so many.
FEWEST_LINES, MOST_LINES = 6, 16
#: What is compared with chunks: so many characters before the hole's line and behind it.
NEAR_BEFORE, NEAR_AFTER = 1_500, 500
#: Declarations of imported files count so much more than other chunks.
IMPORTED_FACTOR = 1.5
#: Longer lines are data, not code: they would fill the budget with nothing to learn from.
LONGEST_LINE = 200

_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{2,}")
_DECLARATION = re.compile(
    r"\s*(?:export|public|protected|static|abstract|declare|async|def|class|interface|type|enum|function)\b"
    r"|(?:const|let|var)\s|[A-Z][A-Z0-9_]*\s*[:=]"
)


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """A file of the workspace, or a part of one. The model is shown the last two parts of its path (with slashes)."""

    path: str
    text: str
    #: Whether the file that is filled imports it or is it, so that its declarations are what may be used.
    imported: bool = False


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Some lines of a file, as the model reads them; the last line has no line end."""

    path: str
    text: str


def names(text: str) -> frozenset[str]:
    """The names and keywords of a text, of at least three characters."""
    return frozenset(_NAME.findall(text))


def near_text(before: str, after: str) -> str:
    """The text around a hole that chunks are compared with. It leaves out the hole's line, which is being typed."""
    start, end = before.rfind("\n") + 1, after.find("\n")
    return before[max(0, start - NEAR_BEFORE) : start] + (after[end : end + NEAR_AFTER] if end >= 0 else "")


def chunks_of(lines: Iterable[str]) -> list[str]:
    """Cuts lines into chunks, none of them blank."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if len(line) > LONGEST_LINE:
            continue
        line, held = line.rstrip(), groups[-1]
        if len(held) >= MOST_LINES or (not line and len(held) >= FEWEST_LINES):
            groups.append(held := [])
        if held or line:
            held.append(line)
    return ["\n".join(held).rstrip("\n") for held in groups if held]


def declarations(text: str) -> list[str]:
    """The lines of a text that declare something others may use."""
    return [line for line in text.split("\n") if _DECLARATION.match(line)]


def rank_chunks(near: str, files: Sequence[SourceFile], most: int) -> list[Chunk]:
    """The `most` chunks of the files that have most in common with the text near a hole, best first."""
    wanted = names(near)
    candidates: list[tuple[Chunk, frozenset[str], float]] = []
    for file in files:
        path = "/".join(file.path.split("/")[-2:])
        kinds = [(file.text.split("\n"), 1.0)]
        if file.imported:
            kinds.insert(0, (declarations(file.text), IMPORTED_FACTOR))
        for lines, factor in kinds:
            candidates += [(Chunk(path, text), names(text), factor) for text in chunks_of(lines)]
    frequency = Counter(name for _, found, _ in candidates for name in found)
    # Whole numbers, so that sums are the same in every order and language.
    weight = {name: round(1024 * math.log(1 + len(candidates) / count)) for name, count in frequency.items()}
    # A name of the text near the hole that is in no chunk is as rare as can be.
    rarest = round(1024 * math.log(1 + len(candidates)))
    total = sum(weight.get(name, rarest) for name in wanted)
    scored = []
    for _, found, factor in candidates:
        common = sum(weight[name] for name in found & wanted)
        scored.append(factor * common / ((total + sum(weight[name] for name in found) - common) or 1))
    order = sorted((i for i, score in enumerate(scored) if score > 0), key=lambda i: -scored[i])
    return [candidates[i][0] for i in order[:most]]


def long_lines(text: str) -> frozenset[str]:
    """The lines of a text that are long enough to be its own, without indentation."""
    return frozenset(line for raw in text.split("\n") if len(line := raw.strip()) >= 16)


def is_copy(lines: frozenset[str], of: frozenset[str]) -> bool:
    """Whether most of a text's long lines stand in another one too."""
    return 2 * len(lines & of) > len(lines)

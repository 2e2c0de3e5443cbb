"""Where holes are cut: character spans of a text, of the kinds people leave in code."""

from __future__ import annotations

import dataclasses
import functools
import random
import re

from tree_sitter import Language, Node, Parser

#: Kinds of holes and how often each is drawn.
Kinds = tuple[tuple[str, float], ...]

_SYNTAX_NODES = re.compile(
    r"argument|expression|statement|block|body|call|assignment|return|import|binary|string$|identifier$|object$|array$"
)


@dataclasses.dataclass(frozen=True, order=True)
class Hole:
    """Characters start … end - 1 of a text are missing."""

    start: int
    end: int
    kind: str = dataclasses.field(compare=False, default="span")


@functools.cache
def _parser(language: str) -> Parser | None:
    """The tree-sitter parser of a VS Code language id, or None where there is none."""
    if language == "python":
        import tree_sitter_python

        return Parser(Language(tree_sitter_python.language()))
    if language in ("javascript", "javascriptreact"):
        import tree_sitter_javascript

        return Parser(Language(tree_sitter_javascript.language()))
    if language in ("typescript", "typescriptreact"):
        import tree_sitter_typescript as grammar

        return Parser(Language(grammar.language_tsx() if language.endswith("react") else grammar.language_typescript()))
    return None


def _line_hole(text: str, rng: random.Random) -> Hole | None:
    """From a place on one line to the end of that line or of one up to seven lines below it."""
    at = rng.randrange(len(text))
    line_start = text.rfind("\n", 0, at) + 1
    indent_end = line_start
    while indent_end < len(text) and text[indent_end] in " \t":
        indent_end += 1
    start = rng.choices([indent_end, line_start, max(at, line_start)], [0.4, 0.35, 0.25])[0]
    lines = rng.choices(range(1, 9), [40, 20, 14, 9, 6, 5, 3, 3])[0]
    end = start
    for _ in range(lines):
        end = text.find("\n", end + 1 if end > start else end)
        if end < 0:
            return None
    # Sometimes the line break belongs to the hole, as in whole-line benchmarks.
    if start == line_start and rng.random() < 0.5:
        end += 1
    return Hole(start, end, "line") if end > start else None


def _rest_of_line(text: str, rng: random.Random) -> Hole | None:
    start = rng.randrange(len(text))
    end = text.find("\n", start)
    return Hole(start, end, "rest_of_line") if end > start else None


def _span(text: str, rng: random.Random) -> Hole | None:
    """Random characters; short ones are much likelier."""
    start = rng.randrange(len(text))
    length = int(rng.lognormvariate(3.0, 0.9)) + 1
    end = min(start + length, len(text))
    return Hole(start, end, "span") if end > start else None


def _syntax_hole(text: str, language: str, rng: random.Random) -> Hole | None:
    """A whole node of the syntax tree: argument list, expression, statement, block."""
    parser = _parser(language)
    if parser is None:
        return None
    raw = text.encode("utf-8")
    node = parser.parse(raw).root_node
    at = rng.randrange(len(raw))
    path: list[Node] = []
    while True:
        child = next((c for c in node.children if c.start_byte <= at < c.end_byte), None)
        if child is None:
            break
        node = child
        if node.is_named and 2 <= node.end_byte - node.start_byte <= 400 and _SYNTAX_NODES.search(node.type):
            path.append(node)
    if not path:
        return None
    chosen = rng.choice(path)
    start = len(raw[: chosen.start_byte].decode("utf-8"))
    return Hole(start, start + len(raw[chosen.start_byte : chosen.end_byte].decode("utf-8")), "syntax")


def draw_hole(text: str, language: str, kinds: Kinds, rng: random.Random) -> Hole | None:
    """One hole of a random kind, or None when the draw fell on a place that has none."""
    kind = rng.choices([name for name, _ in kinds], [share for _, share in kinds])[0]
    if kind == "line":
        hole = _line_hole(text, rng)
    elif kind == "syntax":
        hole = _syntax_hole(text, language, rng)
    elif kind == "span":
        hole = _span(text, rng)
    else:
        hole = _rest_of_line(text, rng)
    if hole is None or not text[hole.start : hole.end].strip():
        return None
    return hole


def draw_holes(text: str, language: str, kinds: Kinds, count: int, rng: random.Random, tries: int = 40) -> list[Hole]:
    """Up to `count` holes that do not touch each other, in order."""
    holes: list[Hole] = []
    for _ in range(tries):
        if len(holes) == count:
            break
        hole = draw_hole(text, language, kinds, rng)
        if hole and all(hole.end < other.start or other.end < hole.start for other in holes):
            holes.append(hole)
    return sorted(holes)

"""Holes in files of the test packages: the recipe is committed, the text is not.

The set follows from the recipe (models/tasks/package_holes.json), the test shards and the
tokenizer, which measures the lengths. Its fingerprint is printed beside every figure, so that
two tables of the same fingerprint are about the same holes.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tree_sitter
import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_typescript

from parafill.corpus.shards import Documents, open_shards, read_index, sha256_of
from parafill.opening import fill_length
from parafill.tokenizer import CodeTokenizer, TokenizerError, load_tokenizer

# The engine cuts its own window, but candidates are parsed with all that is there: a part of a file that begins inside
# a docstring would be read inside out.
CHARS_BEFORE, CHARS_AFTER = 100_000, 100_000
PROPOSALS = 24
MAX_WHOLE_LINES = 4

Span = tuple[int, int]


class RecipeError(ValueError):
    """The recipe file is not what this task expects."""


@dataclass(frozen=True)
class Recipe:
    """How the holes are drawn; see package_holes.json."""

    seed: int
    # Language -> holes wanted of every kind and length; other languages are left out.
    per_cell: dict[str, int]
    kinds: tuple[str, ...]
    buckets: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class PackageHole:
    """One hole: the text around it, what stood in it, and the cell of the table it counts in."""

    id: str
    language: str
    kind: str
    bucket: str
    before: str
    after: str
    target: str
    tokens: int
    # What the engine counts: from the beginning of the token that the cursor is in.
    told_tokens: int
    package: str
    path: str

    def request(self, oracle_length: bool) -> dict:
        """The engine's request; with `oracle_length` it is told the number of tokens."""
        request: dict = {
            "id": self.id,
            "language": self.language,
            "path": self.path,
            "segments": [self.before, self.after],
        }
        if oracle_length:
            request["lengths"] = [self.told_tokens]
        return request


def load_recipe(path: Path) -> Recipe:
    """Reads a recipe; an unknown kind of hole is an error."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    if raw.get("format") != 1:
        raise RecipeError(f"{path}: expected format 1, found {raw.get('format')!r}")
    unknown = set(raw["kinds"]) - set(PROPOSERS)
    if unknown:
        raise RecipeError(f"{path}: unknown kinds {sorted(unknown)}; known: {sorted(PROPOSERS)}")
    return Recipe(
        seed=raw["seed"],
        per_cell=raw["perCell"],
        kinds=tuple(raw["kinds"]),
        buckets=tuple((low, high) for low, high in raw["buckets"]),
    )


def holes_of_shards(shards: Path, model: Path, recipe: Path) -> list[PackageHole]:
    """The set of the test split. Ids mean nothing under another tokenizer: that raises a TokenizerError."""
    recorded = read_index(shards).get("tokenizerSha256")
    found = sha256_of(model / "tokenizer.json")
    if recorded is not None and recorded != found:
        raise TokenizerError(
            f"{shards}: tokenised with tokenizer.json of sha256 {recorded}, but "
            f"{model} has {found}; run `python scripts/corpus.py shards` with it"
        )
    heals = json.loads((model / "manifest.json").read_text()).get("heals", False)
    return build_holes(open_shards(shards, "test"), load_tokenizer(model), load_recipe(recipe), heals)


def build_holes(
    documents: Documents, tokenizer: CodeTokenizer, recipe: Recipe, heals: bool = False
) -> list[PackageHole]:
    """The fixed set, shuffled by the recipe's seed: any prefix is a fair sample of it. `heals`: see the manifest."""
    generator = random.Random(recipe.seed)
    order = list(range(len(documents)))
    generator.shuffle(order)
    filled: Counter[tuple[str, str, str]] = Counter()
    holes: list[PackageHole] = []
    for index in order:
        document = documents[index]
        if document.language not in recipe.per_cell:
            continue
        text = tokenizer.decode(document.ids)
        for kind in recipe.kinds:
            # At most one hole of a kind and length in a file: files differ more than holes do.
            used: set[str] = set()
            for start, end in PROPOSERS[kind](text, document.language, generator):
                target = text[start:end]
                tokens = len(tokenizer.encode(target))
                bucket = _bucket(tokens, recipe)
                if bucket is None or bucket in used:
                    continue
                cell = (document.language, kind, bucket)
                if filled[cell] >= recipe.per_cell[document.language]:
                    continue
                if not target.strip():
                    continue
                used.add(bucket)
                filled[cell] += 1
                before = text[max(0, start - CHARS_BEFORE) : start]
                holes.append(
                    PackageHole(
                        id=f"{index}:{start}-{end}",
                        language=document.language,
                        kind=kind,
                        bucket=bucket,
                        before=before,
                        after=text[end : end + CHARS_AFTER],
                        target=target,
                        tokens=tokens,
                        told_tokens=fill_length(tokenizer, before, target, heals),
                        package=document.package,
                        path=document.path,
                    )
                )
    # Two kinds may propose the same span of a file; the engine answers by id.
    holes = list({hole.id: hole for hole in holes}.values())
    generator.shuffle(holes)
    return holes


def fingerprint(holes: list[PackageHole]) -> str:
    """12 hex digits that change when any hole, its text or its surroundings change."""
    digest = hashlib.sha256()
    for hole in holes:
        row = [hole.id, hole.language, hole.kind, hole.bucket, hole.before, hole.after, hole.target]
        digest.update(json.dumps(row).encode("utf-8"))
    return digest.hexdigest()[:12]


def _bucket(tokens: int, recipe: Recipe) -> str | None:
    for low, high in recipe.buckets:
        if low <= tokens <= high:
            return f"{low}-{high}"
    return None


def _lines(text: str) -> list[Span]:
    """Start and end (without the line end) of every line."""
    spans, start = [], 0
    for line in text.split("\n"):
        spans.append((start, start + len(line)))
        start += len(line) + 1
    return spans


def _indented_start(text: str, line: Span) -> int:
    start, end = line
    return start + len(text[start:end]) - len(text[start:end].lstrip(" \t"))


def _rest_of_line(text: str, _: str, generator: random.Random) -> Iterator[Span]:
    """From a random cursor inside a line to its end."""
    lines = [line for line in _lines(text) if text[line[0] : line[1]].strip()]
    for _attempt in range(PROPOSALS):
        if not lines:
            return
        line = generator.choice(lines)
        first = _indented_start(text, line)
        if line[1] > first:
            yield generator.randrange(first, line[1]), line[1]


def _whole_lines(text: str, _: str, generator: random.Random) -> Iterator[Span]:
    """One to four lines, from the first one's indentation to the end of the last."""
    lines = _lines(text)
    for _attempt in range(PROPOSALS):
        first = generator.randrange(len(lines))
        last = min(first + generator.randint(1, MAX_WHOLE_LINES), len(lines)) - 1
        start, end = _indented_start(text, lines[first]), lines[last][1]
        if start < lines[first][1] and text[lines[last][0] : end].strip():
            yield start, end


def _random_span(text: str, _: str, generator: random.Random) -> Iterator[Span]:
    """Any characters; lengths drawn so that short and long ones are proposed alike."""
    for _attempt in range(PROPOSALS):
        length = int(2 ** generator.uniform(1, 7))
        if len(text) > length:
            start = generator.randrange(len(text) - length)
            yield start, start + length


def _call_argument(text: str, language: str, generator: random.Random) -> Iterator[Span]:
    """One whole argument of a call, found by the language's grammar."""
    grammar = _grammars().get(language)
    if grammar is None:
        return
    data = text.encode("utf-8")
    tree = tree_sitter.Parser(grammar).parse(data)
    spans = [(node.start_byte, node.end_byte) for node in _arguments(tree.root_node)]
    generator.shuffle(spans)
    for start, end in spans[: 2 * PROPOSALS]:
        head = len(data[:start].decode("utf-8"))
        yield head, head + len(data[start:end].decode("utf-8"))


def _arguments(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type in ("argument_list", "arguments"):
            yield from (child for child in node.named_children if child.type != "comment")
        stack.extend(node.children)


_GRAMMARS: dict[str, tree_sitter.Language] = {}


def _grammars() -> dict[str, tree_sitter.Language]:
    if not _GRAMMARS:
        javascript = tree_sitter.Language(tree_sitter_javascript.language())
        _GRAMMARS.update(
            python=tree_sitter.Language(tree_sitter_python.language()),
            javascript=javascript,
            javascriptreact=javascript,
            typescript=tree_sitter.Language(tree_sitter_typescript.language_typescript()),
            typescriptreact=tree_sitter.Language(tree_sitter_typescript.language_tsx()),
        )
    return _GRAMMARS


#: By kind of hole: draws spans of a text of a language, endlessly or as many as it finds.
PROPOSERS: dict[str, Callable[[str, str, random.Random], Iterator[Span]]] = {
    "rest of line": _rest_of_line,
    "whole lines": _whole_lines,
    "random span": _random_span,
    "call argument": _call_argument,
}

"""Several short holes near each other in files of the test packages, to be filled at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from parafill.corpus.shards import Documents
from parafill.tokenizer import CodeTokenizer
from tasks.engine import Answer
from tasks.metrics import edit_similarity
from tasks.package_holes import CHARS_AFTER, CHARS_BEFORE, PROPOSERS, Span

LANGUAGES = ("python", "typescript", "typescriptreact", "javascript")
KINDS = ("rest of line", "whole lines", "call argument")
#: How many holes, as often as they stand here.
COUNTS = (2, 3, 3, 4)
#: Within so many characters, with at least so many between two of them, of one line and so many tokens at most.
WINDOW, APART, LONGEST = 1200, 12, 12
#: Kinds are tried so often before a file is left with as many holes as there are by then.
TRIES = 60


@dataclass(frozen=True)
class JointHoles:
    """The texts around k holes and what stood in them."""

    id: str
    language: str
    path: str
    segments: tuple[str, ...]
    targets: tuple[str, ...]

    def request(self) -> dict:
        """The engine's request."""
        return {"id": self.id, "language": self.language, "path": self.path, "segments": list(self.segments)}


def build_joint_holes(documents: Documents, tokenizer: CodeTokenizer, seed: int, count: int) -> list[JointHoles]:
    """At most `count` of them, one a file, in an order of chance: any prefix is a fair sample."""
    generator = random.Random(f"joint/{seed}")
    order = list(range(len(documents)))
    generator.shuffle(order)
    found: list[JointHoles] = []
    for index in order:
        if len(found) == count:
            break
        document = documents[index]
        if document.language not in LANGUAGES:
            continue
        text = tokenizer.decode(document.ids)
        spans = _spans(text, document.language, tokenizer, generator)
        if len(spans) < min(COUNTS):
            continue
        ends = [max(0, spans[0][0] - CHARS_BEFORE), *(end for _, end in spans)]
        starts = [*(start for start, _ in spans), spans[-1][1] + CHARS_AFTER]
        found.append(
            JointHoles(
                f"{index}:{'+'.join(f'{start}-{end}' for start, end in spans)}",
                document.language,
                document.path,
                tuple(text[end:start] for end, start in zip(ends, starts, strict=True)),
                tuple(text[start:end] for start, end in spans),
            )
        )
    return found


def _spans(text: str, language: str, tokenizer: CodeTokenizer, generator: random.Random) -> list[Span]:
    """Some holes of one window of a text, ascending."""
    begin = generator.randrange(max(1, len(text) - WINDOW))
    wanted = generator.choice(COUNTS)
    spans: list[Span] = []
    for _ in range(TRIES):
        if len(spans) == wanted:
            break
        for start, end in PROPOSERS[generator.choice(KINDS)](text, language, generator):
            target = text[start:end]
            if start < begin or end > begin + WINDOW or "\n" in target or not target.strip():
                continue
            if any(start < right + APART and left < end + APART for left, right in spans):
                continue
            if len(tokenizer.encode(target)) <= LONGEST:
                spans.append((start, end))
                break
    return sorted(spans)


@dataclass(frozen=True)
class JointResults:
    """What came back for several items in one way. Lists have a value a hole, `whole` and `parses` one an item."""

    exact: list[float]
    similarity: list[float]
    whole: list[float]
    parses: list[float]
    ms: list[float]
    errors: int


def joint_results(items: Sequence[JointHoles], answers: Sequence[Answer]) -> JointResults:
    """Errors count as wrong."""
    results = JointResults([], [], [], [], [], sum(answer.error is not None for answer in answers))
    for item, answer in zip(items, answers, strict=True):
        fills = answer.fills[0] if answer.fills else [""] * len(item.targets)
        right = [float(fill == target) for fill, target in zip(fills, item.targets, strict=True)]
        results.exact.extend(right)
        results.similarity.extend(edit_similarity(t, f) for f, t in zip(fills, item.targets, strict=True))
        results.whole.append(min(right))
        results.ms.append(answer.total_ms)
        if answer.parses and answer.parses[0] is not None:
            results.parses.append(float(answer.parses[0]))
    return results

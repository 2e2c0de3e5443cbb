"""Reference decoding: what the server does in TypeScript, in as few lines as it can be said.

The two must agree on the goldens. Everything random comes from mulberry32 and is computed in float64.
"""

from __future__ import annotations

import dataclasses
import heapq
import math
import re

import numpy as np

from .batches import context_ids
from .onnx_model import KvCache, OnnxModel
from .tokenizer import CodeTokenizer

#: Sort order of padding in a block: no real token has a number as large.
PADDING_ORDER = 1 << 20
#: The beginning of a hole's line is given on its canvas when it has at most this many tokens.
LONGEST_LEAD = 40


@dataclasses.dataclass(frozen=True)
class Decoding:
    """What a request may choose. `steps` counts denoising passes, the length probe included."""

    max_tokens: int = 64
    steps: int = 4
    threshold: float = 0.9
    lengths: int = 3
    candidates: int = 1
    temperature: float = 0.0
    top_p: float = 0.95
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Candidate:
    fills: list[list[int]]
    score: float


class Mulberry32:
    """A 32-bit generator that is the same in every language; `next` is uniform in [0, 1)."""

    def __init__(self, seed: int) -> None:
        self.state = seed & 0xFFFFFFFF

    def next(self) -> float:
        self.state = (self.state + 0x6D2B79F5) & 0xFFFFFFFF
        t = self.state
        t = ((t ^ (t >> 15)) * (1 | t)) & 0xFFFFFFFF
        t = (t ^ (t + (((t ^ (t >> 7)) * (61 | t)) & 0xFFFFFFFF))) & 0xFFFFFFFF
        return (t ^ (t >> 14)) / 2**32


def ends_in_blank(text: str) -> bool:
    """Whether a single blank ends the text: the token of the next word brings one of its own."""
    return re.search(r"\S $", text) is not None


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def length_law(probabilities: np.ndarray, eoh: int, limit: int) -> np.ndarray:
    """P(L = j) for j = 0 … limit - 1 and, last, P(no <eoh> before limit), from hazards h_j = p(eoh at j).

    P(L = j) = h_j * prod_{i < j} (1 - h_i). A hole is never empty: h_0 is taken as 0.
    """
    hazard = probabilities[:limit, eoh].copy()
    hazard[0] = 0.0
    alive = np.concatenate([[1.0], np.cumprod(1 - hazard)])
    return np.append(hazard * alive[:-1], alive[-1])


def likeliest(laws: list[np.ndarray], count: int) -> list[tuple[int, ...]]:
    """The `count` likeliest combinations of one length per hole; ties go to the smaller lengths."""
    ranked = [sorted(range(len(law)), key=lambda j, law=law: (-law[j], j)) for law in laws]

    def entry(ranks: tuple[int, ...]) -> tuple[float, tuple[int, ...], tuple[int, ...]]:
        lengths = tuple(order[r] for order, r in zip(ranked, ranks, strict=True))
        return -math.prod(law[j] for law, j in zip(laws, lengths, strict=True)), lengths, ranks

    start = (0,) * len(laws)
    queue, seen, found = [entry(start)], {start}, []
    while queue and len(found) < count:
        _, lengths, ranks = heapq.heappop(queue)
        found.append(lengths)
        for hole in range(len(laws)):
            following = (*ranks[:hole], ranks[hole] + 1, *ranks[hole + 1 :])
            if following[hole] < len(laws[hole]) and following not in seen:
                seen.add(following)
                heapq.heappush(queue, entry(following))
    return found


class Infill:
    """Fills holes of one request with a model and its tokenizer."""

    def __init__(self, model: OnnxModel, tokenizer: CodeTokenizer) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.config, self.special = model.config, tokenizer.special

    def split(self, language: str, segments: list[str]) -> tuple[list[int], list[list[int]]]:
        """Context ids, and each hole's *lead*: the beginning of its line, given on the canvas.

        A canvas that begins with its own line predicts from a left neighbour, and the context stays the same while a
        line is typed. A blank at the end of the lead is left out: it belongs to the token of the word that follows.
        """
        texts, leads = list(segments), []
        for hole in range(len(segments) - 1):
            line = texts[hole][texts[hole].rfind("\n") + 1 :]
            lead = self.tokenizer.encode(line[:-1] if ends_in_blank(line) else line)
            leads.append(lead if len(lead) <= LONGEST_LEAD else [])
            if leads[-1]:
                texts[hole] = texts[hole][: len(texts[hole]) - len(line)]
        return context_ids(self.tokenizer, language, texts, self.config.context_length, 0.25), leads

    def fill(self, language: str, segments: list[str], decoding: Decoding) -> list[Candidate]:
        """Candidates, best first."""
        context, leads = self.split(language, segments)
        cache = self.model.encode(context)
        limit = min(decoding.max_tokens, self.config.max_canvas - max(map(len, leads)))
        size = next(s for s in (16, 32, 64, 128) if s >= max(map(len, leads)) + limit)
        blank = [(size - len(lead), False) for lead in leads]
        logits = self._denoise(cache, [self._canvas(blank, leads)])[0]
        by_hole = np.split(logits, np.cumsum([length for length, _ in blank])[:-1])
        probabilities = [np.exp(log_softmax(part)) for part in by_hole]
        laws = [length_law(p, self.special.eoh, limit) for p in probabilities]

        generators = [Mulberry32(decoding.seed + row * 0x9E3779B9) for row in range(decoding.candidates)]
        if decoding.temperature > 0:
            rows = [tuple(_draw(law, generator.next()) for law in laws) for generator in generators]
        else:
            rows = likeliest(laws, max(decoding.lengths, decoding.candidates))
            if decoding.steps == 1 and decoding.candidates == 1:
                rows = rows[:1]
        canvases = [self._canvas([(length, length < limit) for length in row], leads) for row in rows]
        if decoding.steps == 1:
            self._fix(
                canvases, [np.concatenate([p[:n] for p, n in zip(by_hole, row, strict=True)]) for row in rows],
                1, decoding, generators,
            )  # fmt: skip
        for remaining in range(decoding.steps - 1, 0, -1):
            if not any(canvas.masked for canvas in canvases):
                break
            self._fix(canvases, self._denoise(cache, canvases), remaining, decoding, generators)
        scores = self.scores(cache, canvases)
        found: dict[tuple[str, ...], Candidate] = {}
        for canvas, score in zip(canvases, scores, strict=True):
            fills = canvas.fills(self.special.eoh, leads)
            key = tuple(self.tokenizer.decode(fill) for fill in fills)
            found.setdefault(key, Candidate(fills, score))
        return sorted(found.values(), key=lambda c: -c.score)[: decoding.candidates]

    def texts(self, segments: list[str], candidate: Candidate) -> list[str]:
        """The fills as text; where the blank before the hole was left out of the lead, it is not filled twice."""
        decoded = [self.tokenizer.decode(fill) for fill in candidate.fills]
        return [
            text.removeprefix(" ") if ends_in_blank(before) else text
            for text, before in zip(decoded, segments[:-1], strict=True)
        ]

    def _canvas(self, shape: list[tuple[int, bool]], leads: list[list[int]]) -> _Row:
        """A row of canvases, one a hole, of (masks, whether <eoh> follows)."""
        row = _Row([], [], [], [], [])
        for hole, (length, ended) in enumerate(shape):
            row.starts.append(len(row.ids))
            given = [self.tokenizer.fill[hole], *leads[hole]]
            tokens = [*given, *[self.special.mask] * length, *[self.special.eoh] * ended]
            first = len(row.ids) + len(given)
            row.masked += range(first, first + length)
            row.given += range(len(row.ids), first)
            row.ids += tokens
            row.offsets += range(self.config.hole_stride * hole, self.config.hole_stride * hole + len(tokens))
        return row

    def _run(self, cache: KvCache, rows: list[_Row], causal: bool, wanted: list[list[int]]) -> list[np.ndarray]:
        """Logits of each row's wanted positions; rows are padded to one length and see one context."""
        width = max(len(row.ids) for row in rows)
        ids, positions = np.zeros((len(rows), width)), np.full((len(rows), width), cache.length)
        order = np.full((len(rows), width), PADDING_ORDER)
        for index, row in enumerate(rows):
            count = len(row.ids)
            ids[index, :count] = row.ids
            positions[index, :count] = cache.length + np.array(row.offsets)
            order[index, :count] = np.arange(count) if causal else 0
        flat = np.array([index * width + at for index, places in enumerate(wanted) for at in places])
        logits = self.model.run(cache, ids, positions, order, flat)["logits"]
        return np.split(logits, np.cumsum([len(places) for places in wanted])[:-1])

    def _denoise(self, cache: KvCache, rows: list[_Row]) -> list[np.ndarray]:
        active = [row for row in rows if row.masked]
        results = iter(self._run(cache, active, False, [[at - 1 for at in row.masked] for row in active]))
        return [next(results) if row.masked else np.zeros((0, self.config.vocab_size)) for row in rows]

    def _fix(
        self,
        rows: list[_Row],
        logits: list[np.ndarray],
        remaining: int,
        decoding: Decoding,
        generators: list[Mulberry32],
    ) -> None:
        """Chooses tokens for every masked position and keeps the surest of them."""
        first = self.tokenizer.first_text
        for index, (row, scores) in enumerate(zip(rows, logits, strict=True)):
            if not row.masked:
                continue
            text = log_softmax(scores[:, first:])
            if decoding.temperature > 0:
                tempered = np.exp(log_softmax(scores[:, first:] / decoding.temperature))
                chosen = np.array([_draw_top(p, decoding.top_p, generators[index].next()) for p in tempered])
            else:
                chosen = text.argmax(axis=-1)
            confidence = np.exp(text[np.arange(len(chosen)), chosen])
            least = math.ceil(len(chosen) / remaining)
            surest = sorted(range(len(chosen)), key=lambda i: (-confidence[i], i))
            fixed = {i for place, i in enumerate(surest) if place < least or confidence[i] >= decoding.threshold}
            for i in fixed:
                row.ids[row.masked[i]] = int(chosen[i]) + first
            row.masked = [at for i, at in enumerate(row.masked) if i not in fixed]

    def scores(self, cache: KvCache, rows: list[_Row]) -> list[float]:
        """The AR twin's log-likelihood of each row's fills and their <eoh>, in nats."""
        wanted, targets = [], []
        for row in rows:
            places = [at for at in range(len(row.ids)) if at not in row.given]
            wanted.append([at - 1 for at in places])
            targets.append([row.ids[at] for at in places])
        logits = self._run(cache, rows, True, wanted)
        return [
            float(log_softmax(part)[np.arange(len(target)), target].sum()) if target else 0.0
            for part, target in zip(logits, targets, strict=True)
        ]


@dataclasses.dataclass
class _Row:
    """One hypothesis: tokens of all its canvases, offsets from the context's end, what is still masked."""

    ids: list[int]
    offsets: list[int]
    masked: list[int]
    starts: list[int]
    #: Markers and leads: columns that are not part of the answer.
    given: list[int]

    def fills(self, eoh: int, leads: list[list[int]]) -> list[list[int]]:
        ends = [*self.starts[1:], len(self.ids)]
        return [
            [token for token in self.ids[start + 1 + len(lead) : end] if token != eoh]
            for start, end, lead in zip(self.starts, ends, leads, strict=True)
        ]


def _draw(law: np.ndarray, u: float) -> int:
    """Inverse of the cumulative distribution in ascending order."""
    total = 0.0
    for index, mass in enumerate(law):
        total += mass
        if u < total:
            return index
    return len(law) - 1


def _draw_top(p: np.ndarray, top_p: float, u: float) -> int:
    """A draw from the smallest set of likeliest entries whose mass reaches top_p."""
    order = np.lexsort((np.arange(len(p)), -p))
    kept = int(np.searchsorted(np.cumsum(p[order]), top_p)) + 1
    order = order[:kept]
    return int(order[_draw(p[order] / p[order].sum(), u)])

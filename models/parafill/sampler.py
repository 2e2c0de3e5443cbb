"""Reference decoding: what the server does in TypeScript, in as few lines as it can be said.

The two must agree on the goldens. Everything random comes from mulberry32 and is computed in float64.
"""

from __future__ import annotations

import bisect
import dataclasses
import heapq
import itertools
import math
from collections.abc import Sequence

import numpy as np

from .batches import context_ids, file_ids
from .ngrams import Ngrams
from .onnx_model import KvCache, OnnxModel
from .opening import Lead, allow_only, likeliest_lead, open_lead
from .recall import BehindHole, HoleMemory, Recall, RecallWeights
from .tokenizer import CodeTokenizer
from .workspace import Chunk

#: Sort order of padding in a block: no real token has a number as large.
PADDING_ORDER = 1 << 20
#: The canvas sizes of training, ascending.
CANVAS_SIZES = (16, 32, 64, 128)
#: The first canvas has room for so many tokens, if as many are allowed.
_FIRST_VIEW = 16
#: A hole that ends behind its canvas with more than this probability is looked at in a larger one.
_OVERLOOKED = 0.25
#: The temperature of further candidates of a long hole where none is asked for.
_OTHER_WAYS = 0.7
#: The most tokens a hole gets; what is more than a canvas holds is filled block by block.
LONGEST_FILL = 512
#: So many characters before and behind the holes are recalled.
_RECALLED_BEFORE, _RECALLED_AFTER = 12_000, 6_000


@dataclasses.dataclass(frozen=True)
class Decoding:
    """What a request may choose. `steps` counts denoising passes; to find the lengths counts as one."""

    max_tokens: int = 64
    steps: int = 4
    threshold: float = 0.9
    lengths: int = 6
    candidates: int = 1
    temperature: float = 0.0
    top_p: float = 0.95
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Candidate:
    fills: list[list[int]]
    score: float
    #: Whether the last hole has its end.
    complete: bool
    #: What of each hole's first token stands before it already.
    openings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Block:
    """One of the canvases that a long hole is filled with."""

    #: The last token before it, where that is one of the fill.
    anchor: int | None
    #: Whether the hole has to end here. If not, it goes on where that is likelier than an end.
    is_last: bool


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


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def length_law(probabilities: np.ndarray, eoh: int, limit: int, is_rest: bool = False) -> np.ndarray:
    """P(L = j) for j = 0 … limit - 1 and, last, P(no <eoh> before limit), from hazards h_j = p(eoh at j).

    P(L = j) = h_j * prod_{i < j} (1 - h_i). A hole is never empty: h_0 is taken as 0, but for the rest of a
    hole that has tokens already.
    """
    hazard = probabilities[:limit, eoh].copy()
    if not is_rest:
        hazard[0] = 0.0
    alive = np.concatenate([[1.0], np.cumprod(1 - hazard)])
    return np.append(hazard * alive[:-1], alive[-1])


def given_an_end(law: np.ndarray) -> np.ndarray:
    """The law of a hole that is known to have an end before the limit."""
    return np.append(law[:-1] / (1 - law[-1]), 0.0)


def repeats(before: list[int], block: list[int]) -> bool:
    """Whether every token of the block is the one so many places before it, for some number of places."""
    joined, start = before + block, len(before)
    periods = range(1, min(len(before), len(block)) + 1)
    return any(all(joined[i] == joined[i - period] for i in range(start, len(joined))) for period in periods)


def likeliest(laws: list[np.ndarray], count: int) -> list[tuple[int, ...]]:
    """The `count` likeliest combinations of one length per hole; ties go to the smaller lengths.

    Impossible ones are left out, but for the first.
    """
    ranked = [sorted(range(len(law)), key=lambda j, law=law: (-law[j], j)) for law in laws]

    def entry(ranks: tuple[int, ...]) -> tuple[float, tuple[int, ...], tuple[int, ...]]:
        lengths = tuple(order[r] for order, r in zip(ranked, ranks, strict=True))
        return -math.prod(law[j] for law, j in zip(laws, lengths, strict=True)), lengths, ranks

    start = (0,) * len(laws)
    queue, seen, found = [entry(start)], {start}, []
    while queue and len(found) < count:
        value, lengths, ranks = heapq.heappop(queue)
        if found and value == 0:
            break
        found.append(lengths)
        for hole in range(len(laws)):
            following = (*ranks[:hole], ranks[hole] + 1, *ranks[hole + 1 :])
            if following[hole] < len(laws[hole]) and following not in seen:
                seen.add(following)
                heapq.heappush(queue, entry(following))
    return found


class Infill:
    """Fills holes of one request with a model and its tokenizer.

    Chunks of other files take at most `file_share` of the context: the manifest's `fileShare`; `recall` is its own.
    """

    def __init__(
        self,
        model: OnnxModel,
        tokenizer: CodeTokenizer,
        file_share: float = 0.0,
        heals: bool = False,
        recall: RecallWeights | None = None,
        ngrams: Ngrams | None = None,
    ) -> None:
        self.model, self.tokenizer, self.file_share, self.heals = model, tokenizer, file_share, heals
        self.recall, self.ngrams = recall, ngrams
        self.config, self.special = model.config, tokenizer.special

    def split(self, language: str, segments: list[str], chunks: Sequence[Chunk] = ()) -> tuple[list[int], list[Lead]]:
        """Context ids, and each hole's lead."""
        texts, leads = list(segments), []
        for hole in range(len(segments) - 1):
            texts[hole], lead = open_lead(self.tokenizer, texts[hole], self.heals)
            leads.append(lead)
        length = self.config.context_length
        files = file_ids(self.tokenizer, chunks, int(length * self.file_share))
        return context_ids(self.tokenizer, language, texts, length, 0.25, files, self.config.repeated_below), leads

    def memories(self, segments: list[str], leads: list[Lead], files: Sequence[str] = ()) -> list[HoleMemory]:
        """What may be recalled in each hole: of the text around them, of other files, of the training corpus.

        Empty where the model goes without.
        """
        if self.recall is None:
            return []
        encode, found = self.tokenizer.encode, []
        befores = [
            encode(open_lead(self.tokenizer, text, self.heals)[0][-_RECALLED_BEFORE:]) + lead.ids
            for text, lead in zip(segments, leads, strict=False)
        ]
        afters = [encode(text[:_RECALLED_AFTER]) for text in segments[1:]]
        texts = [*befores, afters[len(leads) - 1], *map(encode, files)]
        for lead, before, after in zip(leads, befores, afters, strict=True):
            recall = Recall(texts, BehindHole(self.tokenizer, after), self.recall.orders, self.ngrams)
            known = before[-recall.reach :]
            found.append(HoleMemory(recall, self.recall, known, self.special.eoh, lead))
        return found

    def fill(
        self,
        language: str,
        segments: list[str],
        decoding: Decoding,
        chunks: Sequence[Chunk] = (),
        files: Sequence[str] = (),
    ) -> list[Candidate]:
        """Candidates, best first. `files`: the texts of other files, of which something may be recalled."""
        context, leads = self.split(language, segments, chunks)
        cache = self.model.encode(context)
        leads = self.likeliest(cache, leads)
        memories = self.memories(segments, leads, files)
        if len(leads) == 1 and decoding.max_tokens > self.config.max_canvas:
            found = self._fill_blocks(cache, leads[0], decoding, memories)
        else:
            found = self._fill_canvases(cache, leads, decoding, memories)
        unique: dict[tuple[str, ...], Candidate] = {}
        openings = tuple(lead.opening for lead in leads)
        for candidate in (dataclasses.replace(candidate, openings=openings) for candidate in found):
            unique.setdefault(tuple(self.texts(candidate)), candidate)
        # A hole where nothing is missing is said to be one only if nothing else is known.
        unique = {texts: candidate for texts, candidate in unique.items() if all(texts)} or unique
        return sorted(unique.values(), key=lambda c: -c.score)[: decoding.candidates]

    def _fill_canvases(
        self,
        cache: KvCache,
        leads: list[Lead],
        decoding: Decoding,
        memories: list[HoleMemory],
        block: Block | None = None,
    ) -> list[Candidate]:
        """One canvas a hole. Candidates in the order in which they were made."""
        anchor = block.anchor if block else None
        limit = min(decoding.max_tokens, self.config.max_canvas - max(len(lead.ids) for lead in leads))
        laws, by_hole = self._probe(cache, leads, limit, block)

        generators = [Mulberry32(decoding.seed + row * 0x9E3779B9) for row in range(decoding.candidates)]
        if decoding.temperature > 0:
            rows = [tuple(_draw(law, generator.next()) for law in laws) for generator in generators]
        else:
            goes_on = block is not None and not block.is_last and laws[0][-1] > 0.5
            ends = [law[:-1] for law in laws] if block is not None and not block.is_last else laws
            rows = [(limit,)] if goes_on else likeliest(ends, max(decoding.lengths, decoding.candidates))
            if decoding.steps == 1 and decoding.candidates == 1:
                rows = rows[:1]
        canvases = [self._canvas([(length, length < limit) for length in row], leads, anchor) for row in rows]
        if decoding.steps == 1:
            for memory, logits in zip(memories, by_hole, strict=False):
                logits[0] = memory.mix(logits[0], [])
            self._fix(
                canvases, [np.concatenate([p[:n] for p, n in zip(by_hole, row, strict=True)]) for row in rows],
                1, decoding, generators,
            )  # fmt: skip
        for remaining in range(decoding.steps - 1, 0, -1):
            if not any(canvas.masked for canvas in canvases):
                break
            self._fix(canvases, self._denoise(cache, canvases, memories), remaining, decoding, generators)
        scores = self.scores(cache, canvases, memories)
        share = sum(lead.log_share for lead in leads)
        return [
            Candidate(canvas.fills(self.special.eoh, leads), score + share, canvas.ids[-1] == self.special.eoh)
            for canvas, score in zip(canvases, scores, strict=True)
        ]

    def _probe(
        self, cache: KvCache, leads: list[Lead], limit: int, block: Block | None
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Each hole's law of lengths and its tokens' logits: from a small canvas where the ends are likely in it."""
        anchor = block.anchor if block else None
        longest = max(len(lead.ids) for lead in leads)
        smallest = limit if block else min(limit, _FIRST_VIEW)
        for size in CANVAS_SIZES:
            if size < longest + smallest:
                continue
            blank = [(size - len(lead.ids), False) for lead in leads]
            # Lengths are the network's own business: nothing is recalled of them.
            logits = self._denoise(cache, [self._canvas(blank, leads, anchor)], [])[0]
            by_hole = np.split(logits, np.cumsum([length for length, _ in blank])[:-1])
            seen = [np.exp(log_softmax(part[:limit])) for part in by_hole]
            laws = [length_law(p, self.special.eoh, limit, is_rest=anchor is not None) for p in seen]
            if all(len(p) == limit or law[-1] <= _OVERLOOKED for p, law in zip(seen, laws, strict=True)):
                break
        return [law if len(p) == limit else given_an_end(law) for p, law in zip(seen, laws, strict=True)], by_hole

    def _fill_blocks(
        self, cache: KvCache, lead: Lead, decoding: Decoding, memories: list[HoleMemory]
    ) -> list[Candidate]:
        """One long hole, canvas by canvas; every finished block is read causally behind the context.

        Every candidate goes a way of its own. At temperature 0 the first takes what is likeliest; where that does not
        end in the first block, the others are drawn.
        """
        config, context = self.config, cache.length
        size = max(s for s in CANVAS_SIZES if 2 * s <= config.max_canvas)
        most = config.hole_stride * (config.max_holes - 1) + config.max_canvas - len(lead.ids)
        limit = min(decoding.max_tokens, LONGEST_FILL, most)
        ways = decoding.candidates
        found: list[Candidate] = []
        for way in range(ways):
            likeliest_way = way == 0 and decoding.temperature == 0
            chosen = {} if likeliest_way else {"candidates": 1, "temperature": decoding.temperature or _OTHER_WAYS}
            cache.length = context
            known, given, anchor = Candidate([[]], 0.0, False), lead, None
            for index in itertools.count():
                left = limit - len(known.fills[0])
                room = min(left, max(1, size - len(given.ids)))
                part = dataclasses.replace(
                    decoding,
                    max_tokens=room,
                    seed=decoding.seed + (way + ways * index) * 0x9E3779B9,
                    **chosen,
                )
                written = known.fills[0]
                behind = [memory.behind(written) for memory in memories] if written else memories
                blocks = self._fill_canvases(cache, [given], part, behind, Block(anchor, room == left))
                whole = [Candidate([known.fills[0] + b.fills[0]], known.score + b.score, b.complete) for b in blocks]
                if room == left or whole[0].complete:
                    if likeliest_way and (index == 0 or ways == 1):
                        cache.length = context
                        return whole
                    found.append(max(whole, key=lambda candidate: candidate.score))
                    break
                tokens = blocks[0].fills[0]
                if repeats(known.fills[0], tokens):
                    found.append(known)
                    break
                read = [self.tokenizer.fill[0] if anchor is None else anchor, *given.ids, *tokens[:-1]]
                order = np.arange(len(read))[None]
                outputs = self.model.run(cache, np.array([read]), order + cache.length, order, np.array([0]))
                cache.append(outputs, len(read))
                known, given, anchor = whole[0], Lead([]), tokens[-1]
        cache.length = context
        return found

    def texts(self, candidate: Candidate) -> list[str]:
        """The fills as text, without what of their first tokens stands before the hole already."""
        return [
            self.tokenizer.decode(fill).removeprefix(opening)
            for fill, opening in zip(candidate.fills, candidate.openings, strict=True)
        ]

    def likeliest(self, cache: KvCache, leads: list[Lead]) -> list[Lead]:
        """The only hole's lead, chosen where there are several; those of several holes as they are."""
        if len(leads) != 1 or not leads[0].others:
            return leads
        longest = leads[0].others[-1].ids
        ids = np.array([[self.tokenizer.fill[0], *longest]])
        order = np.arange(ids.shape[1])[None]
        wanted = np.arange(len(leads[0].ids), ids.shape[1])
        outputs = self.model.run(cache, ids, order + cache.length, order, wanted)
        return [likeliest_lead(leads[0], outputs["logits"].astype(np.float64))]

    def _canvas(self, shape: list[tuple[int, bool]], leads: list[Lead], anchor: int | None = None) -> _Row:
        """A row of canvases, one a hole, of (masks, whether <eoh> follows). The rest of a hole begins at its anchor."""
        row = _Row([], [], [], [], [], {})
        for hole, (length, ended) in enumerate(shape):
            row.starts.append(len(row.ids))
            given = [self.tokenizer.fill[hole] if anchor is None else anchor, *leads[hole].ids]
            tokens = [*given, *[self.special.mask] * length, *[self.special.eoh] * ended]
            first = len(row.ids) + len(given)
            row.masked += range(first, first + length)
            if leads[hole].first is not None:
                row.openings[first] = leads[hole].first
            row.given += range(len(row.ids), first)
            row.ids += tokens
            row.offsets += range(self.config.hole_stride * hole, self.config.hole_stride * hole + len(tokens))
        return row

    def _run(
        self,
        cache: KvCache,
        rows: list[_Row],
        causal: bool,
        wanted: list[list[int]],
        memories: Sequence[HoleMemory],
    ) -> list[np.ndarray]:
        """Log-probabilities at each row's wanted positions; rows are padded to one length and see one context."""
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
        parts = np.split(logits, np.cumsum([len(places) for places in wanted])[:-1])
        for row, places, part in zip(rows, wanted, parts, strict=True):
            for at, scores in zip(places, part, strict=True):
                if at + 1 in row.openings:
                    allow_only(scores, row.openings[at + 1])
                known = row.known_before(at + 1, self.special.mask) if memories else None
                if known:
                    scores[:] = memories[row.hole_of(at + 1)].mix(scores, *known)
        return parts

    def _denoise(self, cache: KvCache, rows: list[_Row], memories: Sequence[HoleMemory]) -> list[np.ndarray]:
        active = [row for row in rows if row.masked]
        results = iter(self._run(cache, active, False, [[at - 1 for at in row.masked] for row in active], memories))
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

    def read_whole(self, cache: KvCache, lead: Lead, tokens: list[int]) -> np.ndarray:
        """The causal reading's log-probabilities [tokens, vocab] at each token of the only hole, nothing recalled."""
        row = self._canvas([(len(tokens), False)], [lead])
        first = len(row.ids) - len(tokens)
        row.ids[first:] = tokens
        return self._run(cache, [row], True, [list(range(first - 1, len(row.ids) - 1))], [])[0]

    def scores(self, cache: KvCache, rows: list[_Row], memories: Sequence[HoleMemory] = ()) -> list[float]:
        """The AR twin's log-likelihood of each row's fills and their <eoh>, in nats."""
        wanted, targets = [], []
        for row in rows:
            places = [at for at in range(len(row.ids)) if at not in row.given]
            wanted.append([at - 1 for at in places])
            targets.append([row.ids[at] for at in places])
        logits = self._run(cache, rows, True, wanted, memories)
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
    #: The only tokens that may stand in a column, where not all may.
    openings: dict[int, np.ndarray]

    def hole_of(self, column: int) -> int:
        """The hole whose canvas a column belongs to."""
        return bisect.bisect_right(self.starts, column) - 1

    def known_before(self, column: int, mask: int) -> tuple[list[int], bool] | None:
        """(the tokens of its hole before a column back to the first one or to a gap, whether there is no gap).

        None where the token right before the column is not known.
        """
        first = column
        while first - 1 not in self.given and self.ids[first - 1] != mask:
            first -= 1
        from_start = first - 1 in self.given
        return (self.ids[first:column], from_start) if from_start or first < column else None

    def fills(self, eoh: int, leads: list[Lead]) -> list[list[int]]:
        ends = [*self.starts[1:], len(self.ids)]
        return [
            [token for token in self.ids[start + 1 + len(lead.ids) : end] if token != eoh]
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

"""From documents to training batches: a causal lane and a lane of noised canvases.

The layout of a context is the one the language server uses (see ARCHITECTURE.md, "Sequence"):
`<lang> [<file> path \n chunk]… <suf> lines below <pre> text before <hole_0> text between … <hole_k-1> rest of line`,
then the fills.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from .config import ModelConfig, SequenceConfig
from .holes import Hole, draw_holes
from .siblings import Siblings
from .tokenizer import CodeTokenizer
from .workspace import Chunk, SourceFile, near_text, rank_chunks

#: Characters per token are below this almost always; windows are cut with it before tokenising.
CHARS_PER_TOKEN = 3.2
#: The beginning of a hole's line is given on its canvas when it has at most this many tokens.
LONGEST_LEAD = 40
#: A chunk of a file that would have to be cut to fewer tokens is left out.
SHORTEST_CHUNK = 24
#: No context has more chunks of other files.
MOST_CHUNKS = 8
#: So many characters on either side of a window are searched for chunks.
LONGEST_OUTSIDE = 12_000
#: The target of positions that carry no loss, as torch's cross_entropy expects it.
IGNORE = -100


class Document(Protocol):
    ids: np.ndarray
    language: str
    path: str


class Documents(Protocol):
    lengths: np.ndarray
    packages: np.ndarray

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Document: ...
    def path(self, index: int) -> str: ...


@dataclasses.dataclass
class Batch:
    """B sequences. `lane` positions come first, then the canvases.

    ids, positions: int64 [B, lane + canvas]. lane_targets: int64 [B, lane], the next token or IGNORE.
    canvas_targets: int64 [B, canvas], the token itself where it is masked, else IGNORE.
    lane_in_fill: bool [N], whether a lane target belongs to a hole: its tokens behind the lead, and its <eoh>.
    lane_read, canvas_read: int64 [N], [M], the hidden states that predict these targets, as indices into the flattened
    [B, lane + canvas], in the targets' own order. They are here because a GPU would have to be waited for to count.
    visible, group: int64 [B, canvas], see model.canvas_mask.
    index: int64 [B, canvas], the number of the canvas a position belongs to, -1 for padding.
    share: float32 [B, canvas], masked ÷ content tokens of the position's joint group, as distillation counts steps.
    """

    lane: int
    ids: Tensor
    positions: Tensor
    lane_targets: Tensor
    canvas_targets: Tensor
    lane_in_fill: Tensor
    lane_read: Tensor
    canvas_read: Tensor
    visible: Tensor
    group: Tensor
    index: Tensor
    share: Tensor
    #: SequenceConfig.canvas_shift.
    shift: int = 1

    def places(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """(row, place) of flat indices: lane_read or canvas_read."""
        return hidden // self.ids.shape[1], hidden % self.ids.shape[1]

    @property
    def masked_places(self) -> tuple[Tensor, Tensor]:
        """(row, place in the canvas lane) of the canvas targets, int64 [M] each, row-major."""
        row, place = self.places(self.canvas_read)
        return row, place - self.lane + self.shift


@dataclasses.dataclass
class Canvas:
    """One noised canvas: anchor token, lead and H inputs."""

    inputs: list[int]
    targets: list[int]
    first_position: int
    visible: int
    group: int
    #: Content tokens of the canvas, its <eoh> included, its lead not.
    content: int

    @property
    def masked(self) -> int:
        return sum(target != IGNORE for target in self.targets)


@dataclasses.dataclass
class Lane:
    """A context and its clean fills. `starts[i]` is the lane index of `<fill_i>`.

    The first `leads[i]` tokens of fill i stand before the hole, on its line (see split_lead).
    """

    ids: list[int]
    positions: list[int]
    targets: list[int]
    context: int
    starts: list[int]
    fills: list[list[int]]
    leads: list[int]


def ends_in_blank(text: str) -> bool:
    """Whether a single blank ends the text: the token of the next word brings one of its own."""
    return re.search(r"\S $", text) is not None


def split_lead(tokenizer: CodeTokenizer, text: str) -> tuple[str, list[int], bool]:
    """Splits the text before a hole into what the context keeps and the *lead*, the beginning of the hole's line.

    A canvas that begins with its own line predicts from a left neighbour, and the context stays the same while a line
    is typed. Returns the kept text, the lead's tokens (none if they are too many), and whether a blank at the end of
    the line was left to the hole, because it belongs to the token of the word that follows.
    """
    line = text[text.rfind("\n") + 1 :]
    blank = ends_in_blank(line)
    lead = tokenizer.encode(line[:-1] if blank else line)
    if not lead or len(lead) > LONGEST_LEAD:
        return text, [], False
    return text[: len(text) - len(line)], lead, blank


def file_ids(tokenizer: CodeTokenizer, chunks: Sequence[Chunk], budget: int) -> list[int]:
    """`<file> path \n text` of chunks in their order, at most `budget` tokens; the last one may be cut."""
    ids: list[int] = []
    for chunk in chunks:
        room = budget - len(ids)
        if room < SHORTEST_CHUNK:
            break
        tokens = [tokenizer.special.file, *tokenizer.encode(f"{chunk.path}\n{chunk.text}")]
        ids += tokens[:room]
    return ids


def context_ids(
    tokenizer: CodeTokenizer,
    language: str,
    segments: list[str],
    budget: int,
    suffix_share: float,
    files: Sequence[int] = (),
    repeated_below: int = 0,
) -> list[int]:
    """Context tokens of k + 1 segments around k holes, at most `budget` many; raises ValueError if they cannot fit.

    The suffix keeps its first tokens, the text before the first hole its last ones. `files` are the tokens of chunks of
    other files; they stand in front, where they stay what they are while the text around the hole changes.
    `repeated_below`: see ModelConfig.
    """
    special = tokenizer.special
    last = segments[-1]
    cut = last.find("\n")
    rest, suffix = (last, "") if cut < 0 else (last[:cut], last[cut:])
    middle: list[int] = []
    for index, text in enumerate([*segments[1:-1], rest]):
        middle += [tokenizer.hole[index], *tokenizer.encode(text)]
    before = tokenizer.encode(segments[0])
    after = tokenizer.encode(suffix)
    middle += after[:repeated_below]
    room = budget - len(files) - len(middle) - 3
    if room < 0:
        raise ValueError(
            f"the text between the holes takes {len(middle)} tokens, more than the context of {budget - len(files)}"
        )
    after = after[: max(int(room * suffix_share), room - len(before))]
    before = before[max(0, len(before) - (room - len(after))) :]
    lang = tokenizer.language.get(language, tokenizer.language["other"])
    return [lang, *files, special.suf, *after, special.pre, *before, *middle]


def build_lane(
    tokenizer: CodeTokenizer,
    model: ModelConfig,
    context: list[int],
    fills: list[list[int]],
    size: int,
    leads: list[int] | None = None,
) -> Lane:
    """Appends the clean fills to a context; positions follow P + hole_stride * i + j.

    The first leads[i] tokens of fill i are its lead; without `leads` there are none.
    """
    special = tokenizer.special
    ids, positions = list(context), list(range(len(context)))
    starts: list[int] = []
    for index, fill in enumerate(fills):
        starts.append(len(ids))
        tokens = [tokenizer.fill[index], *fill, special.eoh]
        first = len(context) + model.hole_stride * index
        ids += tokens
        positions += range(first, first + len(tokens))
    ids, positions = ids[:size], positions[:size]
    # Where a hole, the prefix or a fill begins is a random cut: nothing to learn there.
    # <eoh> is a special token too, but a real prediction.
    targets = [
        following if following >= tokenizer.first_text or following == special.eoh else IGNORE for following in ids[1:]
    ]
    return Lane(ids, positions, [*targets, IGNORE], len(context), starts, fills, leads or [0] * len(fills))


def _noise(tokens: list[int], fixed: int, rate: float, mask: int, rng: random.Random) -> tuple[list[int], list[int]]:
    """Masks each of tokens[: len - fixed] with probability `rate`, at least one; the last `fixed` stay visible."""
    count = len(tokens) - fixed
    hidden = [rng.random() < rate for _ in range(count)]
    if count and not any(hidden):
        hidden[rng.randrange(count)] = True
    hidden += [False] * fixed
    inputs = [mask if h else t for t, h in zip(tokens, hidden, strict=True)]
    return inputs, [t if h else IGNORE for t, h in zip(tokens, hidden, strict=True)]


class SequenceBuilder:
    """Draws training sequences from documents; the same seed gives the same sequence."""

    def __init__(self, tokenizer: CodeTokenizer, model: ModelConfig, shape: SequenceConfig) -> None:
        if shape.context > model.context_length:
            raise ValueError(f"sequence context {shape.context} exceeds the model's context {model.context_length}")
        self.tokenizer, self.model, self.shape = tokenizer, model, shape

    def build(
        self, document: Document, rng: random.Random, files: Sequence[SourceFile] | None = None
    ) -> tuple[Lane, list[Canvas]] | None:
        """One sequence of a window of the document, or None when no hole was found in it.

        Its context begins with chunks of the files, if any: what of the document lies outside the window is one, too.
        """
        shape = self.shape
        whole = self.tokenizer.decode(document.ids.tolist())
        start, end = self._window(whole, rng)
        text = whole[start:end]
        if len(text) < 60:
            return None
        if files is not None:
            outside = (whole[max(0, start - LONGEST_OUTSIDE) : start], whole[end : end + LONGEST_OUTSIDE])
            files = [*(SourceFile(document.path, part, imported=True) for part in outside), *files]
        kind = rng.choices(["one", "several", "long"], [shape.one_hole, shape.several_holes, shape.long_middle])[0]
        if kind == "long":
            return self._long(text, document.language, files, rng)
        count = 1 if kind == "one" else rng.randint(2, self.model.max_holes)
        return self._holes(text, document.language, count, files, rng)

    def _window(self, text: str, rng: random.Random) -> tuple[int, int]:
        size = int(self.shape.lane * CHARS_PER_TOKEN * rng.uniform(0.9, 1.5))
        start = max(0, rng.randint(-size // 4, max(1, len(text) - size * 3 // 4)))
        start = text.rfind("\n", 0, start) + 1
        return start, min(start + size, len(text))

    def _segments(self, text: str, holes: list[Hole], rng: random.Random) -> list[str]:
        edges = [0, *[edge for hole in holes for edge in (hole.start, hole.end)], len(text)]
        segments = [text[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2)]
        if rng.random() < self.shape.no_suffix:
            segments[-1] = segments[-1].split("\n", 1)[0]
        return segments

    def _context(
        self, language: str, segments: list[str], room: int, files: Sequence[SourceFile] | None, rng: random.Random
    ) -> list[int] | None:
        """The context in `room` tokens, or None when the text between the holes does not fit."""
        chunks: list[int] = []
        # Drawn in any case: with files and without them, the same seed gives the same holes.
        share = rng.uniform(*self.shape.file_share)
        if files:
            ranked = rank_chunks(near_text(segments[0], segments[-1]), files, MOST_CHUNKS)
            chunks = file_ids(self.tokenizer, ranked, int(room * share))
        try:
            share, repeated = rng.uniform(0.1, 0.5), self.model.repeated_below
            return context_ids(self.tokenizer, language, segments, room, share, chunks, repeated)
        except ValueError:
            return None

    def _holes(
        self, text: str, language: str, count: int, files: Sequence[SourceFile] | None, rng: random.Random
    ) -> tuple[Lane, list[Canvas]] | None:
        holes = draw_holes(text, language, self.shape.kinds, count, rng)
        if not holes:
            return None
        encode = self.tokenizer.encode
        segments = self._segments(text, holes, rng)
        fills: list[list[int]] = []
        leads: list[int] = []
        for index, hole in enumerate(holes):
            segments[index], lead, blank = split_lead(self.tokenizer, segments[index])
            fills.append([*lead, *encode(" " * blank + text[hole.start : hole.end])])
            leads.append(len(lead))
        if max(map(len, fills)) > self.model.max_canvas:
            return None
        shape = self.shape
        room = min(shape.context, shape.lane - sum(len(fill) + 2 for fill in fills))
        context = self._context(language, segments, room, files, rng)
        if context is None:
            return None
        lane = build_lane(self.tokenizer, self.model, context, fills, shape.lane, leads)
        joint = len(holes) > 1 and rng.random() < 0.5
        return lane, self._joint_canvases(lane, rng) if joint else self._separate_canvases(lane, rng)

    def _long(
        self, text: str, language: str, files: Sequence[SourceFile] | None, rng: random.Random
    ) -> tuple[Lane, list[Canvas]] | None:
        """A long middle whose canvases begin at many offsets, as blocks do when a long hole is filled."""
        start = text.find("\n", int(len(text) * rng.uniform(0.1, 0.5))) + 1
        if start == 0:
            return None
        fill = self.tokenizer.encode(text[start : start + int(len(text) * rng.uniform(0.25, 0.6))])
        fill = fill[: self.model.hole_stride * self.model.max_holes - 2]
        end = start + len(self.tokenizer.decode(fill))
        segments = self._segments(text, [Hole(start, end, "long")], rng)
        room = min(self.shape.context, self.shape.lane - len(fill) - 2)
        if room < 40 or len(fill) < 8:
            return None
        context = self._context(language, segments, room, files, rng)
        if context is None:
            return None
        lane = build_lane(self.tokenizer, self.model, context, [fill], self.shape.lane)
        canvases: list[Canvas] = []
        used = 0
        while True:
            offset = rng.randrange(len(fill)) if rng.random() < 0.9 else 0
            canvas = self._canvas(
                lane,
                0,
                offset,
                len(canvases),
                self.shape.canvas - used,
                rng,
                lane.starts[0] + offset,
            )
            if canvas is None:
                return lane, canvases
            canvases.append(canvas)
            used += len(canvas.inputs)

    def _separate_canvases(self, lane: Lane, rng: random.Random) -> list[Canvas]:
        """Canvases that see the context and the clean fills before them; the same hole is noised several times."""
        canvases: list[Canvas] = []
        used = 0
        order = list(range(len(lane.fills)))
        rng.shuffle(order)
        while True:
            hole = order[len(canvases) % len(order)]
            canvas = self._canvas(lane, hole, 0, len(canvases), self.shape.canvas - used, rng, lane.starts[hole])
            if canvas is None:
                return canvases
            canvases.append(canvas)
            used += len(canvas.inputs)

    def _joint_canvases(self, lane: Lane, rng: random.Random) -> list[Canvas]:
        """Groups in which every hole of the sequence has one canvas; all see each other and only the context."""
        canvases: list[Canvas] = []
        used = group = 0
        while True:
            fully = rng.random() < self.shape.fully_masked
            members: list[Canvas] = []
            for hole in range(len(lane.fills)):
                room = self.shape.canvas - used - sum(len(member.inputs) for member in members)
                canvas = self._canvas(lane, hole, 0, group, room, rng, lane.context, 1.0 if fully else None)
                if canvas is None:
                    break
                members.append(canvas)
            # A group that no longer fits as a whole is left out, unless the lane would stay empty.
            if len(members) < len(lane.fills) and canvases:
                return canvases
            canvases += members
            used += sum(len(member.inputs) for member in members)
            group += 1
            if len(members) < len(lane.fills):
                return canvases

    def _canvas(
        self,
        lane: Lane,
        hole: int,
        offset: int,
        group: int,
        room: int,
        rng: random.Random,
        visible: int,
        rate: float | None = None,
    ) -> Canvas | None:
        """A noised canvas for fill `hole` from token `offset` on, or None when none fits into `room` positions.

        Its first input is the anchor: `<fill_i>`, or the last known token of the fill; a lead follows, never masked.
        It sees `visible` positions of the lane, which end before the anchor.
        """
        shape, special = self.shape, self.tokenizer.special
        # The size is drawn without looking at the hole, or it would give the hole's length away.
        size = rng.choices(shape.canvas_sizes, shape.canvas_weights)[0]
        lead = lane.fills[hole][: lane.leads[hole]] if offset == 0 else []
        most = min(room - 1, self.model.max_canvas) - len(lead)
        if size > most:
            fitting = [s for s in shape.canvas_sizes if s <= most]
            if not fitting:
                return None
            size = fitting[-1]
        fill = lane.fills[hole][offset + len(lead) :]
        tokens = [*fill, special.eoh][:size]
        complete = len(fill) < size
        if rate is None:
            rate = 1.0 if rng.random() < shape.fully_masked else rng.uniform(shape.min_rate, 1.0)
        if complete and len(fill) and rng.random() < shape.cropped:
            inputs, targets = _noise(tokens, 1, rate, special.mask, rng)
        else:
            inputs, targets = _noise(tokens, 0, rate, special.mask, rng)
            behind = size - len(tokens)
            inputs, targets = inputs + [special.mask] * behind, targets + [IGNORE] * behind
        anchor = self.tokenizer.fill[hole] if offset == 0 else lane.fills[hole][offset - 1]
        first = lane.context + self.model.hole_stride * hole + offset
        given = [anchor, *lead]
        return Canvas([*given, *inputs], [IGNORE] * len(given) + targets, first, visible, group, len(tokens))


def collate(sequences: list[tuple[Lane, list[Canvas]]], shape: SequenceConfig, pad: int) -> Batch:
    """Pads sequences to the fixed shape. Padding canvases see only each other (group -1)."""
    count, total = len(sequences), shape.positions
    ids = np.full((count, total), pad, np.int64)
    positions = np.zeros((count, total), np.int64)
    lane_targets = np.full((count, shape.lane), IGNORE, np.int64)
    canvas_targets = np.full((count, shape.canvas), IGNORE, np.int64)
    in_fill = np.zeros((count, shape.lane), bool)
    visible = np.zeros((count, shape.canvas), np.int64)
    group = np.full((count, shape.canvas), -1, np.int64)
    number = np.full((count, shape.canvas), -1, np.int64)
    share = np.zeros((count, shape.canvas), np.float32)
    for row, (lane, canvases) in enumerate(sequences):
        n = len(lane.ids)
        ids[row, :n], positions[row, :n], lane_targets[row, :n] = (
            lane.ids,
            lane.positions,
            lane.targets,
        )
        for start, lead, fill in zip(lane.starts, lane.leads, lane.fills, strict=True):
            in_fill[row, start + lead : start + len(fill) + 1] = True
        at = 0
        for index, canvas in enumerate(canvases):
            end = at + len(canvas.inputs)
            span = slice(at, end)
            ids[row, shape.lane + at : shape.lane + end] = canvas.inputs
            first = canvas.first_position
            positions[row, shape.lane + at : shape.lane + end] = np.arange(first, first + end - at)
            canvas_targets[row, span] = canvas.targets
            visible[row, span], group[row, span] = canvas.visible, canvas.group
            number[row, span] = index
            joint = [other for other in canvases if other.group == canvas.group]
            share[row, span] = sum(c.masked for c in joint) / sum(c.content for c in joint)
            at = end
    as_tensor = torch.from_numpy
    lane_read, canvas_read = reading_places(lane_targets, canvas_targets, shape.canvas_shift)
    return Batch(
        shape.lane,
        as_tensor(ids),
        as_tensor(positions),
        as_tensor(lane_targets),
        as_tensor(canvas_targets),
        as_tensor(in_fill[lane_targets != IGNORE]),
        as_tensor(lane_read),
        as_tensor(canvas_read),
        as_tensor(visible),
        as_tensor(group),
        as_tensor(number),
        as_tensor(share),
        shape.canvas_shift,
    )


def reading_places(
    lane_targets: np.ndarray, canvas_targets: np.ndarray, shift: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Batch.lane_read and Batch.canvas_read of int64 targets [B, lane] and [B, canvas].

    Both readings share a `shift` by one: canvas token t is predicted at position t - 1, the first one at the anchor, as
    it is causally. (Unshifted, 300 small updates left canvas tokens beside a known left neighbour at 6.7 nats, where
    the causal reading of the same tokens had reached 5.4: nothing carried over. See LOG.md.)
    """
    lane, total = lane_targets.shape[1], lane_targets.shape[1] + canvas_targets.shape[1]
    row, place = np.nonzero(lane_targets != IGNORE)
    canvas_row, canvas_place = np.nonzero(canvas_targets != IGNORE)
    if (canvas_place < shift).any():
        raise ValueError("the first position of the canvas lane has a target, but nothing stands before it")
    return row * total + place, canvas_row * total + lane + canvas_place - shift


class BatchSource:
    """Batches by number: `batch(step)` depends on seed and step alone, so a resumed run sees what it would have."""

    def __init__(self, documents: Documents, builder: SequenceBuilder, size: int, seed: int) -> None:
        self.documents, self.builder, self.size, self.seed = documents, builder, size, seed
        # A document is drawn in proportion to its length, but very long ones do not drown the others.
        weights = np.minimum(documents.lengths, 20_000).astype(np.float64)
        self.cumulative = np.cumsum(weights / weights.sum())
        self.siblings = Siblings(documents, builder.tokenizer)

    def batch(self, step: int) -> Batch:
        rng = random.Random(f"{self.seed}/{step}")
        sequences: list[tuple[Lane, list[Canvas]]] = []
        while len(sequences) < self.size:
            index = min(int(np.searchsorted(self.cumulative, rng.random())), len(self.documents) - 1)
            has_files, seed = rng.random() < self.builder.shape.with_files, rng.random()
            files = self.siblings.draw(index, random.Random(seed)) if has_files else None
            sequence = self.builder.build(self.documents[index], rng, files)
            if sequence and sequence[1]:
                sequences.append(sequence)
        return collate(sequences, self.builder.shape, self.builder.tokenizer.special.pad)


__all__ = [
    "Batch",
    "BatchSource",
    "Canvas",
    "Lane",
    "SequenceBuilder",
    "build_lane",
    "collate",
    "context_ids",
    "ends_in_blank",
    "file_ids",
    "reading_places",
    "split_lead",
]

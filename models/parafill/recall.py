"""What followed the same tokens elsewhere in the texts at hand, and how far to believe it.

A cache language model (Kuhn and De Mori, 1990) of several orders, mixed into what the network says: a small network
copies badly, and code repeats itself all the time. Nothing is trained but a table of weights, on text that the network
was not trained on (scripts/fit_recall.py). The server does the same in server/src/diffusion/recall.ts.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Iterable, Sequence

import numpy as np

from .ngrams import LONGEST, Ngrams
from .opening import Lead
from .tokenizer import CodeTokenizer

#: So many last tokens are looked up.
ORDERS = (1, 2, 3, 4, 6, 8, 16)
#: Up to so often counts as seldom; up to such a share of the likeliest token, as disputed or as usual.
SELDOM, DISPUTED, USUAL = 3, 0.6, 0.95
#: How near a place is to what stands behind the hole, from 1 up: (how many of its first tokens follow together, within
#: how many). The last one is for long holes: what is written the same way as all around the hole goes on as there.
NEAR = ((1, 8), (2, 8), (4, 64))
#: Stands between texts: nothing is recalled across it.
_SEPARATOR = -1

#: A cell of the weights: (table, order's index, how often, how unanimously). The tables 0 to len(NEAR)
#: are for places in the texts at hand that are so near to what stands behind the hole, the last one for n-grams.
Cell = tuple[int, int, int, int]
#: What is recalled with the same weight, by token; together 1.
Evidence = tuple[Cell, dict[int, float]]


@dataclasses.dataclass(frozen=True)
class RecallWeights:
    """The manifest's `recall`. `weights[nearness][order][often][agreement]` and `ngrams[order][…]` are in [0, 1)."""

    orders: tuple[int, ...]
    weights: list[list[list[list[float]]]]
    #: Absent where the model has no n-grams.
    ngrams: list[list[list[float]]] | None = None

    @classmethod
    def of(cls, manifest: dict) -> RecallWeights | None:
        """None where the model goes without."""
        found = manifest.get("recall")
        return cls(tuple(found["orders"]), found["weights"], found.get("ngrams")) if found else None

    def of_cell(self, cell: Cell) -> float:
        table, order, often, agreement = cell
        return [*self.weights, self.ngrams][table][order][often][agreement]


class BehindHole:
    """What stands behind a hole, seen from places where the same follows. `after`: its first tokens."""

    def __init__(self, tokenizer: CodeTokenizer, after: Sequence[int]) -> None:
        self.tokenizer, self.after = tokenizer, list(after[: NEAR[-1][0]])
        self.own = tokenizer.decode_bytes(self.after[:1])
        self._shorter: dict[int, int] = {}

    def is_end(self, token: int) -> bool:
        """Whether a hole ends where this token follows: the same, or another line, however far it is indented."""
        breaks = self.own[:1] == b"\n" and self.tokenizer.decode_bytes([token])[:1] == b"\n"
        return [token] == self.after[:1] or breaks

    def without(self, token: int) -> int:
        """The token without what stands behind the hole, if that is one; else itself: `)` of `);` before `;`."""
        if token not in self._shorter:
            own, whole = self.own, self.tokenizer.decode_bytes([token])
            rest = self.tokenizer.with_bytes(whole[: -len(own)]) if own and whole.endswith(own) else None
            self._shorter[token] = token if rest is None else rest
        return self._shorter[token]

    def nearness(self, tokens: Sequence[int]) -> np.ndarray:
        """[tokens] how near each place is, see `NEAR`."""
        known, near = np.asarray(tokens), np.zeros(len(tokens), int)
        for level, (count, sight) in enumerate(NEAR, 1):
            if len(self.after) < count:
                break
            windows = np.lib.stride_tricks.sliding_window_view(known, count)
            places = np.flatnonzero((windows == self.after[:count]).all(-1))
            for back in range(1, sight + 1):
                # Nothing is near across texts.
                places = places[known[places - back] != _SEPARATOR]
                near[places - back] = level
        return near


class Recall:
    """An index of the texts that something may be recalled from: token ids of each."""

    def __init__(
        self,
        texts: Sequence[Sequence[int]],
        behind: BehindHole,
        orders: Sequence[int] = ORDERS,
        ngrams: Ngrams | None = None,
    ) -> None:
        self.behind, self.orders, self.ngrams = behind, tuple(orders), ngrams
        self.reach = self.orders[-1]
        self.tokens: list[int] = [_SEPARATOR]
        for text in texts:
            self.tokens += [*text, _SEPARATOR]
        self.nearness = behind.nearness(self.tokens)
        self.places: dict[int, list[int]] = collections.defaultdict(list)
        for place, token in enumerate(self.tokens):
            self.places[token].append(place)

    def evidence(self, before: Sequence[int], end: int | None, allowed: np.ndarray | None) -> list[Evidence]:
        """What followed the last tokens, in the order in which it is believed.

        Nearest places first, and longest sequences first; each counts what those before it counted, too. N-grams last.

        `before`: the tokens before a place. `end`: the token that ends the hole; None where it cannot end yet.
        `allowed`: the only tokens that may come.
        """
        if not before:
            return []
        may = None if allowed is None else set(allowed.tolist())

        def in_hole(followers: Iterable[tuple[int, float]]) -> dict[int, float]:
            """What tokens that followed elsewhere, with counts, are in the hole."""
            counts = collections.defaultdict[int, float](float)
            for token, count in followers:
                if not self.behind.is_end(token):
                    token = self.behind.without(token)
                elif end is not None:
                    token = end
                if may is None or token == end or token in may:
                    counts[token] += count
            return counts

        places: dict[tuple[int, int], list[tuple[int, float]]] = collections.defaultdict(list)
        for place in self.places.get(before[-1], ()):
            if self.tokens[place + 1] == _SEPARATOR:
                continue
            same = 1
            while same < min(self.reach, len(before)) and self.tokens[place - same] == before[-1 - same]:
                same += 1
            level = sum(order <= same for order in self.orders) - 1
            for near in range(int(self.nearness[place]) + 1):
                places[near, level].append((self.tokens[place + 1], 1))
        found = {key: in_hole(followers) for key, followers in places.items()}
        evidence: list[Evidence] = []
        for near in range(len(NEAR), -1, -1):
            seen = collections.defaultdict[int, float](float)
            for level in range(len(self.orders) - 1, -1, -1):
                for token, count in found.get((near, level), {}).items():
                    seen[token] += count
                total = sum(seen.values())
                often = 0 if total == 1 else 1 if total <= SELDOM else 2
                evidence += _agreed(near, level, often, seen)
        for level in range(LONGEST - 1, -1, -1):
            followers = self.ngrams.followers(before, level + 1) if self.ngrams else None
            if followers is not None:
                evidence += _agreed(len(NEAR) + 1, level, followers[0], in_hole(followers[1].items()))
        return evidence


def _agreed(table: int, level: int, often: int, counts: dict[int, float]) -> list[Evidence]:
    """Evidence of what was counted, if anything was."""
    total = sum(counts.values())
    if total == 0:
        return []
    top = max(counts.values()) / total
    agreement = 0 if top < DISPUTED else 1 if top < USUAL else 2
    return [((table, level, often, agreement), {token: count / total for token, count in counts.items()})]


def mixed(log_probabilities: np.ndarray, evidence: list[Evidence], weights: RecallWeights) -> np.ndarray:
    """Log-probabilities [vocab] with what is recalled: each takes its weight of what those before it left."""
    if not evidence:
        return log_probabilities
    rest, shares = 1.0, collections.defaultdict[int, float](float)
    for cell, share in evidence:
        weight = weights.of_cell(cell)
        for token, part in share.items():
            shares[token] += rest * weight * part
        rest *= 1 - weight
    result = (log_probabilities + math.log(rest)).astype(log_probabilities.dtype)
    for token, share in shares.items():
        result[token] = math.log(math.exp(log_probabilities[token]) * rest + share)
    return result


@dataclasses.dataclass(frozen=True)
class HoleMemory:
    """What is known of a hole's surroundings, for recalling what may stand in it."""

    recall: Recall
    weights: RecallWeights
    #: The tokens before the hole, its lead included; the last ones count.
    before: list[int]
    eoh: int
    lead: Lead
    #: Whether the hole has tokens already, so that it may end at once.
    is_rest: bool = False

    def evidence(self, tokens: Sequence[int], from_start: bool = True) -> list[Evidence]:
        """For the place behind these tokens of the hole, which go back to its first one or to a gap."""
        is_first = from_start and not tokens
        says_nothing = is_first or (from_start and list(tokens) == [self.lead.bare])
        return self.recall.evidence(
            [*self.before, *tokens] if from_start else tokens,
            None if says_nothing and not self.is_rest else self.eoh,
            self._beginnings if is_first else None,
        )

    @property
    def _beginnings(self) -> np.ndarray | None:
        """The tokens that a hole may begin with, if not all: of the one that says nothing, nothing is recalled."""
        first, bare = self.lead.first, self.lead.bare
        return first if first is None or bare is None else first[first != bare]

    def mix(self, log_probabilities: np.ndarray, tokens: Sequence[int], from_start: bool = True) -> np.ndarray:
        """Log-probabilities [vocab] of that place with what is recalled there."""
        return mixed(log_probabilities, self.evidence(tokens, from_start), self.weights)

    def behind(self, tokens: Sequence[int]) -> HoleMemory:
        """The memory for the rest of the hole behind its first tokens."""
        return dataclasses.replace(self, before=[*self.before, *tokens], lead=Lead([]), is_rest=True)


def fit(places: Sequence[tuple[float, list[tuple[Cell, float]]]], rounds: int = 30) -> RecallWeights:
    """The weights under which the true tokens of these places are likeliest, by expectation maximisation.

    A place is the network's probability of its true token and, for each evidence in its order, the cell of the weights
    and what it gives the true token. A cell that was hardly ever seen gets a small weight.
    """
    weights = collections.defaultdict[Cell, float](lambda: 0.2)
    for _ in range(rounds):
        # As if two more places had been seen, one in ten of them right.
        taken, asked = (
            collections.defaultdict[Cell, float](lambda: 0.2),
            collections.defaultdict[Cell, float](lambda: 2),
        )
        for network, evidence in places:
            # below[i]: the probability without the first i kinds of evidence.
            below = [network]
            for cell, share in reversed(evidence):
                below.append((1 - weights[cell]) * below[-1] + weights[cell] * share)
            reached = 1.0
            for (cell, share), whole in zip(evidence, reversed(below), strict=False):
                mine = weights[cell] * share / whole if whole > 0 else 0.0
                taken[cell] += reached * mine
                asked[cell] += reached
                reached *= 1 - mine
        weights = collections.defaultdict(lambda: 0.1, {cell: taken[cell] / asked[cell] for cell in asked})

    def table(index: int, orders: int) -> list[list[list[float]]]:
        return [
            [[round(weights[index, order, often, agreement], 3) for agreement in range(3)] for often in range(3)]
            for order in range(orders)
        ]

    knows_ngrams = any(cell[0] > len(NEAR) for _, evidence in places for cell, _ in evidence)
    near = [table(index, len(ORDERS)) for index in range(len(NEAR) + 1)]
    return RecallWeights(ORDERS, near, table(len(NEAR) + 1, LONGEST) if knows_ngrams else None)

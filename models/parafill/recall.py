"""What followed the same tokens elsewhere in the texts at hand, and how far to believe it.

A cache language model (Kuhn and De Mori, 1990) of several orders, mixed into what the network says: a small network
copies badly, and code repeats itself all the time. Nothing is trained but a table of weights, on text that the network
was not trained on (scripts/fit_recall.py). The server does the same in server/src/diffusion/recall.ts.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from .opening import Lead
from .tokenizer import CodeTokenizer

#: So many last tokens are looked up.
ORDERS = (1, 2, 3, 4, 6, 8)
#: Up to so often counts as seldom; up to such a share of the likeliest token, as disputed or as usual.
SELDOM, DISPUTED, USUAL = 3, 0.6, 0.95
#: Stands between texts: nothing is recalled across it.
_SEPARATOR = -1

#: A cell of the table: (order's index, how often, how unanimously), and what is recalled there, by token.
Evidence = tuple[tuple[int, int, int], dict[int, float]]


@dataclasses.dataclass(frozen=True)
class RecallWeights:
    """The manifest's `recall`. `weights[order][often][agreement]` is in [0, 1)."""

    orders: tuple[int, ...]
    weights: list[list[list[float]]]

    @classmethod
    def of(cls, manifest: dict) -> RecallWeights | None:
        """None where the model goes without."""
        found = manifest.get("recall")
        return cls(tuple(found["orders"]), found["weights"]) if found else None


class BehindHole:
    """What stands behind a hole, seen from places where the same follows. `after`: its first token, or None."""

    def __init__(self, tokenizer: CodeTokenizer, after: int | None) -> None:
        self.tokenizer, self.after = tokenizer, after
        self.own = b"" if after is None else tokenizer.decode_bytes([after])
        self._shorter: dict[int, int] = {}

    def is_end(self, token: int) -> bool:
        """Whether a hole ends where this token follows: the same, or another line, however far it is indented."""
        breaks = self.own[:1] == b"\n" and self.tokenizer.decode_bytes([token])[:1] == b"\n"
        return token == self.after or breaks

    def without(self, token: int) -> int:
        """The token without what stands behind the hole, if that is one; else itself: `)` of `);` before `;`."""
        if token not in self._shorter:
            own, whole = self.own, self.tokenizer.decode_bytes([token])
            rest = self.tokenizer.with_bytes(whole[: -len(own)]) if own and whole.endswith(own) else None
            self._shorter[token] = token if rest is None else rest
        return self._shorter[token]


class Recall:
    """An index of the texts that something may be recalled from: token ids of each."""

    def __init__(self, texts: Sequence[Sequence[int]], orders: Sequence[int] = ORDERS) -> None:
        self.orders = tuple(orders)
        self.reach = self.orders[-1]
        self.tokens: list[int] = [_SEPARATOR]
        for text in texts:
            self.tokens += [*text, _SEPARATOR]
        self.places: dict[int, list[int]] = collections.defaultdict(list)
        for place, token in enumerate(self.tokens):
            self.places[token].append(place)

    def evidence(
        self, before: Sequence[int], behind: BehindHole, end: int | None, allowed: np.ndarray | None
    ) -> list[Evidence]:
        """What followed, longest sequences first; each order counts what the longer ones counted, too.

        `before`: the tokens before a place. `end`: the token that ends the hole; None where it cannot end yet.
        `allowed`: the only tokens that may come.
        """
        if not before:
            return []
        found = [collections.Counter[int]() for _ in self.orders]
        may = None if allowed is None else set(allowed.tolist())
        for place in self.places.get(before[-1], ()):
            token = self.tokens[place + 1]
            if token == _SEPARATOR:
                continue
            if not behind.is_end(token):
                token = behind.without(token)
            elif end is not None:
                token = end
            if may is not None and token != end and token not in may:
                continue
            same = 1
            while same < min(self.reach, len(before)) and self.tokens[place - same] == before[-1 - same]:
                same += 1
            level = sum(order <= same for order in self.orders) - 1
            if level >= 0:
                found[level][token] += 1
        evidence: list[Evidence] = []
        seen = collections.Counter[int]()
        for level in range(len(self.orders) - 1, -1, -1):
            seen.update(found[level])
            total = seen.total()
            if total == 0:
                continue
            top = max(seen.values()) / total
            often = 0 if total == 1 else 1 if total <= SELDOM else 2
            agreement = 0 if top < DISPUTED else 1 if top < USUAL else 2
            evidence.append(((level, often, agreement), {token: count / total for token, count in seen.items()}))
        return evidence


def mixed(log_probabilities: np.ndarray, evidence: list[Evidence], weights: RecallWeights) -> np.ndarray:
    """Log-probabilities [vocab] with what is recalled: each order takes its weight of what longer ones left."""
    if not evidence:
        return log_probabilities
    rest, shares = 1.0, collections.defaultdict[int, float](float)
    for (level, often, agreement), share in evidence:
        weight = weights.weights[level][often][agreement]
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
    behind_hole: BehindHole
    eoh: int
    lead: Lead
    #: The only token, if any, that says nothing but what stands before the hole.
    bare: int | None
    #: Whether the hole has tokens already, so that it may end at once.
    is_rest: bool = False

    def evidence(self, tokens: Sequence[int], from_start: bool = True) -> list[Evidence]:
        """For the place behind these tokens of the hole, which go back to its first one or to a gap."""
        is_first = from_start and not tokens
        says_nothing = is_first or (from_start and list(tokens) == [self.bare])
        return self.recall.evidence(
            [*self.before, *tokens] if from_start else tokens,
            self.behind_hole,
            None if says_nothing and not self.is_rest else self.eoh,
            self._beginnings if is_first else None,
        )

    @property
    def _beginnings(self) -> np.ndarray | None:
        """The tokens that a hole may begin with, if not all: of the one that says nothing, nothing is recalled."""
        first = self.lead.first
        return first if first is None or self.bare is None else first[first != self.bare]

    def mix(self, log_probabilities: np.ndarray, tokens: Sequence[int], from_start: bool = True) -> np.ndarray:
        """Log-probabilities [vocab] of that place with what is recalled there."""
        return mixed(log_probabilities, self.evidence(tokens, from_start), self.weights)

    def behind(self, tokens: Sequence[int]) -> HoleMemory:
        """The memory for the rest of the hole behind its first tokens."""
        return dataclasses.replace(self, before=[*self.before, *tokens], lead=Lead([]), bare=None, is_rest=True)


def fit(places: Sequence[tuple[float, list[tuple[tuple[int, int, int], float]]]], rounds: int = 30) -> RecallWeights:
    """The weights under which the true tokens of these places are likeliest, by expectation maximisation.

    A place is the network's probability of its true token, and of each order, longest first, its cell of the table and
    what it gives the true token. A cell that was hardly ever seen gets a small weight.
    """
    weights = np.full((len(ORDERS), 3, 3), 0.2)
    for _ in range(rounds):
        taken, asked = np.zeros_like(weights), np.zeros_like(weights)
        for network, orders in places:
            # below[i]: the probability without the first i orders, which are the longest.
            below = [network]
            for cell, share in reversed(orders):
                below.append((1 - weights[cell]) * below[-1] + weights[cell] * share)
            reached = 1.0
            for (cell, share), whole in zip(orders, reversed(below), strict=False):
                mine = weights[cell] * share / whole if whole > 0 else 0.0
                taken[cell] += reached * mine
                asked[cell] += reached
                reached *= 1 - mine
        # As if two more places had been seen, one in ten of them right.
        weights = (taken + 0.2) / (asked + 2)
    return RecallWeights(ORDERS, np.round(weights, 3).tolist())

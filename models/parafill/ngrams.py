"""What usually follows in the training corpus: an n-gram table, pruned and packed into one file.

A small network trained for an hour has not learnt all that simple counting knows. What follows the last one to three
tokens in the corpus is the last thing that is asked (parafill/recall.py). The server reads the same file
(server/src/runtime/ngramsFile.ts).

The file, safetensors, holds for every number of tokens n = 1, 2, 3:
- `n.contexts`  uint32 [contexts], ascending: `context_hash` of n tokens
- `n.sizes`     uint8 [contexts]: how many tokens of the table follow each
- `n.often`     uint8 [contexts]: 0, 1 or 2, see `FREQUENT`
- `n.tokens`    uint16 [followers], those of the first context, then those of the next
- `n.shares`    uint8 [followers]: in this share 2^(-value / 16) of all times that token followed
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from .corpus.shards import Document

FILE = "ngrams.safetensors"
#: So many last tokens are looked up.
LONGEST = 3
#: A context is seen often in the corpus from the first number on, and very often from the second.
FREQUENT = (64, 1024)
#: Shares are kept as logarithms, so many steps a halving: 4 % apart, down to 2^-16.
_STEPS = 16
#: A context has fewer followers than one byte can count.
_LEAST_SHARE = 1 / 255


def context_hash(tokens: np.ndarray) -> np.ndarray:
    """uint32 [contexts] of token ids [contexts, n]. Two contexts in a million share one, which does little harm."""
    value = np.zeros(len(tokens), np.uint32)
    for column in np.asarray(tokens).astype(np.uint32).T:
        value = (value ^ column) * np.uint32(0x9E3779B1)
        value ^= value >> np.uint32(15)
    return value


@dataclasses.dataclass(frozen=True)
class _Order:
    """The part of the table for one number of tokens."""

    contexts: np.ndarray
    sizes: np.ndarray
    often: np.ndarray
    tokens: np.ndarray
    shares: np.ndarray


class Ngrams:
    """A table as it was counted or read."""

    def __init__(self, orders: Sequence[_Order]) -> None:
        self.orders = list(orders)
        #: Where each context's followers end.
        self._ends = [np.cumsum(order.sizes, dtype=np.int64) for order in orders]

    @classmethod
    def load(cls, path: Path) -> Ngrams:
        tensors = load_file(path)
        names = [field.name for field in dataclasses.fields(_Order)]
        count = len({name.partition(".")[0] for name in tensors})
        return cls([_Order(**{name: tensors[f"{n}.{name}"] for name in names}) for n in range(1, count + 1)])

    def save(self, path: Path) -> None:
        save_file(
            {f"{n}.{name}": part for n, order in enumerate(self.orders, 1) for name, part in vars(order).items()},
            path,
        )

    def followers(self, before: Sequence[int], count: int) -> tuple[int, dict[int, float]] | None:
        """(how often the last `count` tokens were seen, shares by what followed), or None where that is unknown."""
        if len(before) < count:
            return None
        order, ends = self.orders[count - 1], self._ends[count - 1]
        wanted = context_hash(np.array([before[len(before) - count :]]))[0]
        at = int(np.searchsorted(order.contexts, wanted))
        if at == len(order.contexts) or order.contexts[at] != wanted:
            return None
        found = slice(int(ends[at]) - int(order.sizes[at]), int(ends[at]))
        shares = 2.0 ** (-order.shares[found].astype(np.float64) / _STEPS)
        return int(order.often[at]), dict(zip(order.tokens[found].tolist(), shares.tolist(), strict=True))


def count_ngrams(documents: Iterable[Document], vocab_size: int, first_text: int, least: int, share: float) -> Ngrams:
    """Counts what follows one to LONGEST tokens in documents.

    Kept is what followed at least `least` times, and at least in this `share` of all times.
    """
    if not _LEAST_SHARE <= share <= 1 or vocab_size >= 2**16:
        raise ValueError(
            f"expected a share of 1/255 to 1 and a vocabulary of at most 65,535, got {share}, {vocab_size}"
        )
    ids = np.concatenate([np.append(document.ids, 0) for document in documents]).astype(np.uint64)
    return Ngrams([_count(ids, n, vocab_size, first_text, least, share) for n in range(1, LONGEST + 1)])


def _count(ids: np.ndarray, n: int, vocab_size: int, first_text: int, least: int, share: float) -> _Order:
    """One order, from all ids with a 0 behind every document."""
    base = np.uint64(vocab_size)
    count = max(0, len(ids) - n)
    grams, is_text = np.zeros(count, np.uint64), np.ones(count, bool)
    for i in range(n + 1):
        column = ids[i : i + count]
        grams = grams * base + column
        is_text &= column >= first_text
    grams = np.sort(grams[is_text])
    starts = _runs(grams)
    counts = np.diff(np.append(starts, len(grams)))
    grams = grams[starts]
    contexts = grams // base
    firsts = _runs(contexts)
    total = np.repeat(np.add.reduceat(counts, firsts), np.diff(np.append(firsts, len(grams))))
    kept = (counts >= least) & (counts >= share * total)
    contexts, tokens, counts, total = contexts[kept], (grams % base)[kept], counts[kept], total[kept]

    columns = [(contexts // base ** np.uint64(n - 1 - i)) % base for i in range(n)]
    hashes = context_hash(np.stack(columns, -1))
    order = np.argsort(hashes, kind="stable")
    hashes, contexts, tokens, counts, total = (part[order] for part in (hashes, contexts, tokens, counts, total))
    # Of contexts with the same hash, the first one stays.
    unique, first, sizes = np.unique(hashes, return_index=True, return_counts=True)
    own = contexts == np.repeat(contexts[first], sizes)
    return _Order(
        contexts=unique,
        sizes=np.add.reduceat(own, first).astype(np.uint8),
        often=np.searchsorted(FREQUENT, total[first], side="right").astype(np.uint8),
        tokens=tokens[own].astype(np.uint16),
        shares=np.round(-_STEPS * np.log2(counts[own] / total[own])).astype(np.uint8),
    )


def _runs(ascending: np.ndarray) -> np.ndarray:
    """Where each run of equal values begins."""
    return np.flatnonzero(np.append(np.ones(min(1, len(ascending)), bool), ascending[1:] != ascending[:-1]))

"""The baseline a network has to beat: the likeliest next token after one token, by counting.

A bigram table cannot see the end of a hole, so it is **given the true length** in tokens. That
flatters it; a model that beats it without that help beats it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from parafill.corpus.shards import open_shards, sha256_of
from parafill.tokenizer import CodeTokenizer
from tasks.package_holes import PackageHole
from tasks.package_report import HoleResult, Run

# Documents of this many tokens together are counted at once; bounds memory, not the result.
COUNT_TOKENS = 4_000_000


class Bigram:
    """`following[a]` is the token seen most often after token a: int64 [vocab]."""

    def __init__(self, following: np.ndarray, tokenizer: CodeTokenizer) -> None:
        self._following = following
        self._tokenizer = tokenizer

    def fill(self, hole: PackageHole) -> str:
        """Greedy continuation of the text before the hole, for the hole's true token count."""
        context = self._tokenizer.encode(hole.before[-400:])
        token = context[-1] if context else int(self._following[0])
        ids: list[int] = []
        for _ in range(hole.tokens):
            token = int(self._following[token])
            ids.append(token)
        return self._tokenizer.decode(ids)


def bigram_run(shards: Path, tokenizer: CodeTokenizer, holes: Sequence[PackageHole], kept: Path) -> Run:
    """What the table says to all holes; `kept` is the folder where its counts are kept."""
    bigram = load_bigram(shards, tokenizer, kept)
    return Run("bigram", True, [HoleResult(hole, bigram.fill(hole), None, 0.0, 0, None) for hole in holes])


def load_bigram(shards: Path, tokenizer: CodeTokenizer, kept: Path) -> Bigram:
    """Counts the train split, or reads the counts back when the shards are unchanged."""
    tag = sha256_of(shards / "shards.json")[:16]
    cached = kept / f"bigram-{tag}.npy"
    if cached.is_file():
        return Bigram(np.load(cached), tokenizer)
    counts = np.zeros(tokenizer.size * tokenizer.size, dtype=np.uint32)
    for pairs in _pairs(shards, tokenizer.size):
        codes, times = np.unique(pairs, return_counts=True)
        counts[codes] += times.astype(np.uint32)
    table = counts.reshape(tokenizer.size, tokenizer.size)
    # Reserved ids never follow in text. A token never seen gets the commonest token of all.
    table[:, : tokenizer.first_text] = 0
    following = table.argmax(axis=1)
    following[table.max(axis=1) == 0] = int(table.sum(axis=0).argmax())
    kept.mkdir(parents=True, exist_ok=True)
    np.save(cached, following)
    return Bigram(following, tokenizer)


def _pairs(shards: Path, size: int) -> Iterator[np.ndarray]:
    """Codes first·size + second of neighbouring tokens, never across two documents."""
    parts: list[np.ndarray] = []
    held = 0
    for document in open_shards(shards, "train"):
        ids = document.ids.astype(np.int64)
        parts.append(ids[:-1] * size + ids[1:])
        held += len(ids)
        if held >= COUNT_TOKENS:
            yield np.concatenate(parts)
            parts, held = [], 0
    if parts:
        yield np.concatenate(parts)

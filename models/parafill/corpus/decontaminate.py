"""Keeps benchmark programs out of the corpus, by overlap of token n-grams.

A document that shares a run of NGRAM consecutive code tokens (words, numbers and single
punctuation marks, white space ignored) with a benchmark program is dropped as a whole. Runs such
as the list of the first eight numbers count too, so more is dropped than was copied.

Only HumanEval is checked: MBPP was not at hand when the corpus was built, so figures on MBPP
would prove nothing.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from pathlib import Path

import numpy as np

NGRAM = 16
# A run of common tokens is in every program (`for i in range(len(`...): ask for variety as well.
MIN_DISTINCT = 9

_PRIME = np.uint64(0x100000001B3)
_TOKEN = re.compile(r"\w+|[^\w\s]")


class BenchmarkError(RuntimeError):
    """The benchmark files are not where or what they should be."""


def ngrams(text: str, min_distinct: int = 0) -> np.ndarray:
    """Hashes of the token n-grams of a text: uint64 [tokens - NGRAM + 1], or fewer.

    With `min_distinct`, only n-grams of at least so many different tokens are returned.
    """
    tokens = _TOKEN.findall(text)
    if len(tokens) < NGRAM:
        return np.empty(0, dtype=np.uint64)
    ids = np.fromiter(
        (zlib.crc32(token.encode("utf-8", "surrogatepass")) for token in tokens),
        dtype=np.uint64,
        count=len(tokens),
    )
    count = len(ids) - NGRAM + 1
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(NGRAM):
        hashes = (hashes ^ ids[offset : offset + count]) * _PRIME
        hashes ^= hashes >> np.uint64(32)
    if min_distinct:
        varied = [len(set(tokens[i : i + NGRAM])) >= min_distinct for i in range(count)]
        hashes = hashes[np.array(varied)]
    return hashes


def load_benchmark(folder: Path) -> np.ndarray:
    """Sorted n-grams of every program below a folder of HumanEval-Infilling files."""
    files = sorted(folder.rglob("*.jsonl.gz")) + sorted(folder.rglob("*.jsonl"))
    if not files:
        raise BenchmarkError(f"{folder}: expected HumanEval-Infilling *.jsonl.gz files, found none")
    programs: set[str] = set()
    for file in files:
        opener = gzip.open if file.suffix == ".gz" else open
        with opener(file, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    task = json.loads(line)
                    programs.add(task["prompt"] + task["canonical_solution"] + task["suffix"])
                    programs.add(task["test"])
                except (ValueError, KeyError) as error:
                    raise BenchmarkError(f"{file}:{number}: not a benchmark task: {error}") from error
    return np.unique(np.concatenate([ngrams(program, MIN_DISTINCT) for program in programs]))


def is_contaminated(text: str, benchmark: np.ndarray) -> bool:
    """Whether a text repeats a benchmark n-gram. `benchmark` is sorted uint64."""
    hashes = ngrams(text)
    if not len(hashes):
        return False
    at = np.searchsorted(benchmark, hashes)
    at[at == len(benchmark)] = 0
    return bool((benchmark[at] == hashes).any())

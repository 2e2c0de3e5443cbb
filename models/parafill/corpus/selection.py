"""Chooses among the filtered documents of all packages: copies, benchmark programs, the mix.

Every function takes rows in order of preference, reports what it drops, and returns the rest.
"""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from parafill.corpus import dedup
from parafill.corpus.decontaminate import is_contaminated, load_benchmark
from parafill.corpus.filters import Candidate
from parafill.corpus.languages import MAX_TRAIN_CHARS, MIX
from parafill.corpus.manifest import Package
from parafill.corpus.progress import Progress
from parafill.corpus.report import DropReport

Row = tuple[Package, Candidate]


def without_copies(rows: list[Row], report: DropReport) -> list[Row]:
    """Drops exact and near copies of earlier rows."""
    exact = dedup.find_exact_duplicates([dedup.normalised_hash(d.text) for _, d in rows])
    rows = _drop(rows, exact, "exact copy", report)
    progress = Progress("near copies", len(rows))
    signatures = np.empty((len(rows), dedup.PERMUTATIONS), dtype=np.uint64)
    with ProcessPoolExecutor() as pool:
        texts = (document.text for _, document in rows)
        for index, value in enumerate(pool.map(dedup.signature, texts, chunksize=64)):
            signatures[index] = value
            progress.at(index + 1, "")
    progress.end()
    return _drop(rows, dedup.find_near_duplicates(signatures), "near copy", report)


def without_benchmark(rows: list[Row], folder: Path | None, report: DropReport) -> list[Row]:
    """Drops files that repeat a program of the benchmark in `folder`; warns when there is none."""
    if folder is None:
        print("warning: no benchmark folder given, the text is not decontaminated", file=sys.stderr)
        return rows
    benchmark = load_benchmark(folder)
    # Benchmark programs are Python; Markdown may quote them.
    checked = ("python", "markdown")
    hit = [d.language in checked and is_contaminated(d.text, benchmark) for _, d in rows]
    return _drop(rows, np.array(hit), "benchmark overlap", report)


def mixed(rows: list[Row], report: DropReport, seed: int) -> list[Row]:
    """Cuts groups that exceed their planned share of the train text; the scarcest sets the size.

    A group may exceed its share by half before it is cut: text is dearer than an exact mix. Nothing exceeds its share
    of MAX_TRAIN_CHARS.
    """
    totals: Counter[str] = Counter()
    for package, document in rows:
        if package.split == "train":
            totals[document.group] += len(document.text)
    # A manifest of one language is a mix of one language: absent groups set no size.
    code = [totals[group] / MIX[group] for group in MIX if group != "markup" and totals[group]]
    whole = min(min(code, default=0.0) * 1.5, MAX_TRAIN_CHARS)
    limits = {group: MIX[group] * whole for group in MIX}
    order = sorted(
        range(len(rows)),
        key=lambda i: seeded_order(f"{seed}:mix:{rows[i][0].key}:{rows[i][1].path}"),
    )
    used: Counter[str] = Counter()
    is_over = np.zeros(len(rows), dtype=bool)
    for i in order:
        package, document = rows[i]
        if package.split != "train":
            continue
        if used[document.group] + len(document.text) > limits[document.group]:
            is_over[i] = True
        else:
            used[document.group] += len(document.text)
    return _drop(rows, is_over, "over the language mix", report)


def _drop(rows: list[Row], flags: np.ndarray, reason: str, report: DropReport) -> list[Row]:
    for (_, document), flag in zip(rows, flags, strict=True):
        if flag:
            report.drop(document.language, reason, len(document.text))
    return [row for row, flag in zip(rows, flags, strict=True) if not flag]


def seeded_order(text: str) -> bytes:
    """A sort key that shuffles, the same on every machine."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()

"""Package holes with the other files of their package, and what these are worth: the same holes with and without."""

from __future__ import annotations

import random

from parafill.corpus.shards import Documents
from parafill.siblings import Siblings
from parafill.tokenizer import CodeTokenizer
from tasks.metrics import markdown_table
from tasks.package_holes import PackageHole
from tasks.package_report import Run

# About what is open or imported in an editor; copies of the hole's own file are left out.
IMPORTED, NEAR, TOKENS = 8, 6, 12_000


def add_files(
    requests: list[dict], holes: list[PackageHole], documents: Documents, tokenizer: CodeTokenizer
) -> list[dict]:
    """The requests, each with the text of other files of the same package."""
    siblings = Siblings(documents, tokenizer)
    found: list[dict] = []
    for request, hole in zip(requests, holes, strict=True):
        index = int(hole.id.partition(":")[0])
        files = siblings.draw(index, random.Random(index), IMPORTED, NEAR, TOKENS)
        found.append(request | {"files": [{"path": file.path, "text": file.text} for file in files]})
    return found


def gain_table(pairs: list[tuple[Run, Run]]) -> str:
    """One line for each pair of runs without and with files: exact matches, gained and lost ones."""
    rows = []
    for alone, beside in pairs:
        for name, kept in (
            ("all", [True] * len(alone.results)),
            ("≤8 tokens", [r.hole.tokens <= 8 for r in alone.results]),
        ):
            both = [(a.is_exact, b.is_exact) for a, b, k in zip(alone.results, beside.results, kept, strict=True) if k]
            gained, lost = both.count((False, True)), both.count((True, False))
            count = max(1, len(both))
            rows.append(
                [
                    alone.label, name, str(len(both)),
                    f"{100 * sum(a for a, _ in both) / count:.1f} %", f"{100 * sum(b for _, b in both) / count:.1f} %",
                    f"{gained} gained, {lost} lost",
                    f"{100 * alone.summary()['similarity']:.1f} → {100 * beside.summary()['similarity']:.1f} %",
                ]
            )  # fmt: skip
    header = ["run", "holes", "n", "exact without files", "with files", "of the same holes", "similarity, all"]
    return markdown_table(header, rows)

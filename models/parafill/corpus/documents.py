"""The filtered text of one package on disk: the unit at which the pipeline resumes.

One gzip file of JSON lines per package. The first line is a header with the recipe version and
the counts of what was dropped; a file of another recipe is made again.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from parafill.corpus.extract import extract
from parafill.corpus.filters import Candidate, decode, judge
from parafill.corpus.languages import GROUPS, language_of
from parafill.corpus.manifest import Package

# Change this when extraction or filters change: it makes stale results visible and redone.
RECIPE = 1

# No package may dominate: bytes of text per package and language group.
MAX_GROUP_BYTES = {
    "python": 6_000_000,
    "typescript": 6_000_000,
    "javascript": 4_000_000,
    "markup": 300_000,
}
MAX_TEST_SHARE = 0.15
MAX_DECLARATION_BYTES = 60_000


@dataclass
class PackageText:
    """Kept documents of a package and the report of everything else."""

    package: str
    documents: list[Candidate] = field(default_factory=list)
    # (language, reason) -> [files, bytes]
    dropped: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def drop(self, language: str, reason: str, size: int) -> None:
        entry = self.dropped.setdefault((language, reason), [0, 0])
        entry[0] += 1
        entry[1] += size


def filter_package(archive: Path, package: Package) -> PackageText:
    """Extracts, filters and caps one package."""
    result = PackageText(package.key)
    kept: list[Candidate] = []
    for file in extract(archive):
        candidate = decode(file)
        if isinstance(candidate, str):
            result.drop(language_of(file.path) or "other", candidate, len(file.data))
            continue
        reason = judge(candidate)
        if reason is not None:
            result.drop(candidate.language, reason, len(file.data))
            continue
        kept.append(candidate)
    result.documents = _cap(kept, result)
    return result


def _cap(kept: list[Candidate], result: PackageText) -> list[Candidate]:
    """Applies the caps per package. Preferred files come first, so the caps cut the others."""
    sizes: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for candidate in kept:
        totals[candidate.group] += len(candidate.text)
    tests: Counter[str] = Counter()
    declarations = 0
    chosen: list[Candidate] = []
    for candidate in sorted(kept, key=_preference):
        size, group = len(candidate.text), candidate.group
        limit = MAX_GROUP_BYTES[group]
        if candidate.is_declaration:
            if declarations + size > MAX_DECLARATION_BYTES:
                result.drop(candidate.language, "declarations over the cap", size)
                continue
            declarations += size
        if candidate.is_test:
            if tests[group] + size > MAX_TEST_SHARE * min(totals[group], limit):
                result.drop(candidate.language, "tests over the cap", size)
                continue
            tests[group] += size
        if sizes[group] + size > limit:
            result.drop(candidate.language, "package over the cap", size)
            continue
        sizes[group] += size
        chosen.append(candidate)
    return sorted(chosen, key=lambda c: c.path)


def _preference(candidate: Candidate) -> tuple[int, str]:
    """Documented Python first, then a fixed pseudo-random order that no path prefix biases."""
    documented = 0
    if candidate.group == "python":
        functions = candidate.text.count("def ")
        docstrings = candidate.text.count('"""') / 2
        documented = 0 if functions and docstrings >= 0.5 * functions else 1
    order = hashlib.blake2b(candidate.path.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return documented, order


def save(folder: Path, package: Package, text: PackageText) -> Path:
    """Writes the documents of a package in one atomic step."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{package.file_stem}.jsonl.gz"
    aside = target.with_suffix(".partial")
    header = {
        "recipe": RECIPE,
        "package": text.package,
        "documents": len(text.documents),
        "dropped": [[lang, why, n, size] for (lang, why), (n, size) in text.dropped.items()],
    }
    with gzip.open(aside, "wt", encoding="utf-8", compresslevel=1) as out:
        out.write(json.dumps(header) + "\n")
        for document in text.documents:
            row = [document.path, document.language, document.text]
            out.write(json.dumps(row) + "\n")
    os.replace(aside, target)
    return target


def load(folder: Path, package: Package) -> PackageText | None:
    """The saved documents of a package, or None when they must be made (again)."""
    source = folder / f"{package.file_stem}.jsonl.gz"
    try:
        with gzip.open(source, "rt", encoding="utf-8") as lines:
            header = json.loads(next(lines))
            if header.get("recipe") != RECIPE or header.get("package") != package.key:
                return None
            text = PackageText(package.key)
            for language, why, count, size in header["dropped"]:
                text.dropped[(language, why)] = [count, size]
            for line in lines:
                path, language, content = json.loads(line)
                if language in GROUPS:
                    text.documents.append(Candidate(path, language, content))
            if len(text.documents) != header["documents"]:
                return None
            return text
    except (FileNotFoundError, EOFError, OSError, ValueError, StopIteration):
        return None

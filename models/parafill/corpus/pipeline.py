"""The stages between archives and shards. Each leaves files behind and skips what is done."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from parafill.corpus import archives, dedup, documents
from parafill.corpus.decontaminate import is_contaminated, load_benchmark
from parafill.corpus.filters import Candidate
from parafill.corpus.languages import GROUPS, LANGUAGES, MIX
from parafill.corpus.licences import declared_licence
from parafill.corpus.manifest import SPLITS, ManifestError, Package, licence_is_allowed
from parafill.corpus.report import DropReport
from parafill.corpus.shards import (
    FORMAT,
    INDEX_NAME,
    ShardError,
    ShardWriter,
    read_index,
    sha256_of,
)
from parafill.tokenizer import load_tokenizer

SHARD_TOKENS = 8_000_000
TOKENISE_BATCH_CHARS = 4_000_000


@dataclass(frozen=True)
class Workspace:
    """The folders of the data cache; all of it can be deleted and made again."""

    root: Path

    @property
    def archives(self) -> Path:
        return self.root / "archives"

    @property
    def filtered(self) -> Path:
        return self.root / "filtered"

    @property
    def text(self) -> Path:
        return self.root / "text"

    @property
    def shards(self) -> Path:
        return self.root / "shards"


def fetch_packages(space: Workspace, packages: list[Package], workers: int) -> None:
    """Stage 1: archives into the cache."""
    progress = Progress("fetch", len(packages))
    archives.fetch_all(
        space.archives, packages, workers, lambda done, _, package: progress.at(done, package.key)
    )
    progress.end()


def filter_packages(space: Workspace, packages: list[Package], workers: int) -> None:
    """Stage 2: archives to filtered documents, one file a package, in parallel processes."""
    missing = [package for package in packages if documents.load(space.filtered, package) is None]
    progress = Progress("filter", len(packages), done=len(packages) - len(missing))
    with ProcessPoolExecutor(max_workers=workers) as pool:
        jobs = {pool.submit(_filter_one, space, package): package for package in missing}
        for count, job in enumerate(as_completed(jobs), start=len(packages) - len(missing) + 1):
            job.result()
            progress.at(count, jobs[job].key)
    progress.end()


def group_sizes(space: Workspace, packages: list[Package]) -> dict[str, dict[str, int]]:
    """package key -> language group -> characters of filtered text."""
    sizes: dict[str, dict[str, int]] = {}
    for package in packages:
        counter: Counter[str] = Counter()
        for document in _filtered(space, package).documents:
            counter[document.group] += len(document.text)
        sizes[package.key] = dict(counter)
    return sizes


def select_text(
    space: Workspace, packages: list[Package], benchmark: Path | None, seed: int
) -> DropReport:
    """Stage 3: duplicates, contamination and the language mix; writes one text file a split.

    Train packages come first, so that a held-out copy of a train file is what is dropped.
    """
    report = DropReport()
    ordered = sorted(packages, key=lambda p: (SPLITS.index(p.split), p.ecosystem, p.name))
    rows: list[tuple[Package, Candidate]] = []
    for package in ordered:
        text = _filtered(space, package)
        report.add_package(text)
        rows += [(package, document) for document in text.documents]
    rows = _without_copies(rows, report)
    rows = _without_benchmark(rows, benchmark, report)
    rows = _mixed(rows, report, seed)
    for _, document in rows:
        report.keep(document.language, len(document.text))
    space.text.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        chosen = [row for row in rows if row[0].split == split]
        chosen.sort(key=lambda row: _order(f"{seed}:{row[0].key}:{row[1].path}"))
        _write_text(_text_file(space, split), chosen)
    (space.text / "report.json").write_text(json.dumps(report.as_dict(), indent=1) + "\n")
    return report


def read_text(space: Workspace, split: str) -> Iterator[tuple[str, str, str, str]]:
    """(package key, path, language, text) of a split, in its shuffled order."""
    source = _text_file(space, split)
    try:
        with gzip.open(source, "rt", encoding="utf-8") as lines:
            for line in lines:
                package, path, language, text = json.loads(line)
                yield package, path, language, text
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{source}: run the `text` stage of scripts/corpus.py first"
        ) from error


def write_shards(space: Workspace, packages: list[Package], tokenizer_file: Path) -> dict:
    """Stage 4: tokenises every split. shards.json is written last, when all the rest is there.

    Shards that were made of the same text with the same tokenizer are left alone.
    """
    tokenizer = load_tokenizer(tokenizer_file)
    made_of = {
        "tokenizerSha256": sha256_of(tokenizer_file),
        "textSha256": {split: sha256_of(_text_file(space, split)) for split in SPLITS},
    }
    with contextlib.suppress(ShardError):
        existing = read_index(space.shards)
        if all(existing.get(key) == value for key, value in made_of.items()):
            return existing
    space.shards.mkdir(parents=True, exist_ok=True)
    for stale in space.shards.iterdir():
        stale.unlink()
    names = [package.key for package in packages]
    numbers = {name: index for index, name in enumerate(names)}
    index: dict = {
        "format": FORMAT,
        "vocabSize": tokenizer.size,
        **made_of,
        "languages": list(LANGUAGES),
        "packages": [{"name": p.key, "licence": p.licence, "split": p.split} for p in packages],
        "splits": {},
        "files": {},
    }
    for split in SPLITS:
        writer = ShardWriter(space.shards, split, numbers, SHARD_TOKENS)
        per_language: dict[str, dict[str, int]] = defaultdict(
            lambda: {"documents": 0, "tokens": 0, "bytes": 0}
        )
        progress = Progress(f"tokenise {split}", 0)
        for batch in _batches(read_text(space, split)):
            encoded = tokenizer.encode_batch([row[3] for row in batch])
            for (package, path, language, text), ids in zip(batch, encoded, strict=True):
                writer.add(ids, language, package, path)
                counts = per_language[language]
                counts["documents"] += 1
                counts["tokens"] += len(ids)
                counts["bytes"] += len(text.encode("utf-8", "replace"))
            progress.at(writer.documents, f"{writer.tokens / 1e6:.1f} M tokens")
        writer.flush()
        progress.end()
        index["files"].update(writer.files)
        index["splits"][split] = {
            "shards": writer.names,
            "documents": writer.documents,
            "tokens": writer.tokens,
            "languages": dict(per_language),
        }
    target = space.shards / INDEX_NAME
    aside = target.with_suffix(".partial")
    aside.write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    os.replace(aside, target)
    return index


class Progress:
    """One line that is rewritten on a terminal, and an occasional line in a log file."""

    def __init__(self, stage: str, total: int, done: int = 0) -> None:
        self._stage, self._total = stage, total
        self._started = self._shown = time.monotonic()
        self.at(done, "")

    def at(self, done: int, what: str) -> None:
        """Shows progress, at most a few times a second (or every 10 s in a log)."""
        now = time.monotonic()
        tty = sys.stderr.isatty()
        if now - self._shown < (0.2 if tty else 10) and done != self._total:
            return
        self._shown = now
        of = f"/{self._total}" if self._total else ""
        line = f"{self._stage}: {done:,}{of}  {now - self._started:.0f} s  {what}"
        sys.stderr.write(f"\r{line[:110]:<110}" if tty else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leaves the last line standing."""
        if sys.stderr.isatty():
            sys.stderr.write("\n")


def _filter_one(space: Workspace, package: Package) -> None:
    archive = archives.cached_archive(space.archives, package)
    if archive is None:
        raise archives.FetchError(f"{package.key}: not in {space.archives}; run `fetch` first")
    _, _, declared = declared_licence(archive)
    if declared and declared != package.licence and not licence_is_allowed(declared):
        raise ManifestError(
            f"{package.key}: the manifest says {package.licence}, {archive.name} says {declared!r}"
        )
    documents.save(space.filtered, package, documents.filter_package(archive, package))


def _filtered(space: Workspace, package: Package) -> documents.PackageText:
    text = documents.load(space.filtered, package)
    if text is None:
        raise FileNotFoundError(
            f"{package.key}: no filtered text in {space.filtered}; run the `filter` stage first"
        )
    return text


def _without_copies(
    rows: list[tuple[Package, Candidate]], report: DropReport
) -> list[tuple[Package, Candidate]]:
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


def _without_benchmark(
    rows: list[tuple[Package, Candidate]], folder: Path | None, report: DropReport
) -> list[tuple[Package, Candidate]]:
    if folder is None:
        print("warning: no benchmark folder given, the text is not decontaminated", file=sys.stderr)
        return rows
    benchmark = load_benchmark(folder)
    # Benchmark programs are Python; Markdown may quote them.
    checked = ("python", "markdown")
    hit = [d.language in checked and is_contaminated(d.text, benchmark) for _, d in rows]
    return _drop(rows, np.array(hit), "benchmark overlap", report)


def _mixed(
    rows: list[tuple[Package, Candidate]], report: DropReport, seed: int
) -> list[tuple[Package, Candidate]]:
    """Cuts groups that exceed their planned share of the train text; the scarcest sets the size.

    A group may exceed its share by half before it is cut: text is dearer than an exact mix.
    """
    totals: Counter[str] = Counter()
    for package, document in rows:
        if package.split == "train":
            totals[document.group] += len(document.text)
    # A manifest of one language is a mix of one language: absent groups set no size.
    code = [totals[group] / MIX[group] for group in MIX if group != "markup" and totals[group]]
    whole = min(code, default=0.0) * 1.5
    limits = {group: MIX[group] * whole for group in MIX}
    order = sorted(
        range(len(rows)), key=lambda i: _order(f"{seed}:mix:{rows[i][0].key}:{rows[i][1].path}")
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


def _drop(
    rows: list[tuple[Package, Candidate]], flags: np.ndarray, reason: str, report: DropReport
) -> list[tuple[Package, Candidate]]:
    for (_, document), flag in zip(rows, flags, strict=True):
        if flag:
            report.drop(document.language, reason, len(document.text))
    return [row for row, flag in zip(rows, flags, strict=True) if not flag]


def _text_file(space: Workspace, split: str) -> Path:
    return space.text / f"{split}.jsonl.gz"


def _write_text(target: Path, rows: list[tuple[Package, Candidate]]) -> None:
    aside = target.with_suffix(".partial")
    # No time and no name in the header: the same text gives the same file and checksum.
    with aside.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as out:
        for package, document in rows:
            assert document.language in GROUPS
            row = [package.key, document.path, document.language, document.text]
            out.write(json.dumps(row).encode() + b"\n")
    os.replace(aside, target)


def _batches(
    rows: Iterator[tuple[str, str, str, str]],
) -> Iterator[list[tuple[str, str, str, str]]]:
    batch: list[tuple[str, str, str, str]] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row[3])
        if size >= TOKENISE_BATCH_CHARS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _order(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()

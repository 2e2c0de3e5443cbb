"""The stages between archives and shards. Each leaves files behind and skips what is done."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from parafill.corpus import archives, documents
from parafill.corpus.languages import GROUPS, LANGUAGES, MAX_TRAIN_CHARS, MIX
from parafill.corpus.licences import declared_licence
from parafill.corpus.manifest import SPLITS, ManifestError, Package, licence_is_allowed
from parafill.corpus.progress import Progress
from parafill.corpus.report import DropReport
from parafill.corpus.selection import Row, mixed, seeded_order, without_benchmark, without_copies
from parafill.corpus.shards import (
    FORMAT,
    INDEX_NAME,
    ShardError,
    ShardWriter,
    read_index,
    sha256_of,
)
from parafill.tokenizer import load_tokenizer

REPORT_NAME = "report.json"
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
    archives.fetch_all(space.archives, packages, workers, lambda done, _, package: progress.at(done, package.key))
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


def select_text(space: Workspace, packages: list[Package], benchmark: Path | None, seed: int) -> DropReport:
    """Stage 3: duplicates, contamination and the language mix; writes one text file a split.

    Train packages come first, so that a held-out copy of a train file is what is dropped. Text that was made of the
    same packages in the same way is left alone.
    """
    made_of = _text_recipe(packages, benchmark, seed)
    saved = _saved_report(space)
    if saved.get("madeOf") == made_of and all(_text_file(space, split).is_file() for split in SPLITS):
        return DropReport.from_dict(saved["languages"])
    (space.text / REPORT_NAME).unlink(missing_ok=True)
    report = DropReport()
    ordered = sorted(packages, key=lambda p: (SPLITS.index(p.split), p.ecosystem, p.name))
    rows: list[Row] = []
    for package in ordered:
        text = _filtered(space, package)
        report.add_package(text)
        rows += [(package, document) for document in text.documents]
    rows = without_copies(rows, report)
    rows = without_benchmark(rows, benchmark, report)
    rows = mixed(rows, report, seed)
    for _, document in rows:
        report.keep(document.language, len(document.text))
    space.text.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        chosen = [row for row in rows if row[0].split == split]
        chosen.sort(key=lambda row: seeded_order(f"{seed}:{row[0].key}:{row[1].path}"))
        _write_text(_text_file(space, split), chosen)
    summary = {"madeOf": made_of, "languages": report.as_dict()}
    (space.text / REPORT_NAME).write_text(json.dumps(summary, indent=1) + "\n")
    return report


def _saved_report(space: Workspace) -> dict:
    try:
        return json.loads((space.text / REPORT_NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _text_recipe(packages: list[Package], benchmark: Path | None, seed: int) -> str:
    """Hex sha256 of all that decides what `select_text` writes."""
    files = sorted(benchmark.rglob("*.jsonl*")) if benchmark else []
    parts = [documents.RECIPE, seed, MIX, MAX_TRAIN_CHARS, [sha256_of(file) for file in files]]
    parts += sorted([package.key, package.split] for package in packages)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_text(space: Workspace, split: str) -> Iterator[tuple[str, str, str, str]]:
    """(package key, path, language, text) of a split, in its shuffled order."""
    source = _text_file(space, split)
    try:
        with gzip.open(source, "rt", encoding="utf-8") as lines:
            for line in lines:
                package, path, language, text = json.loads(line)
                yield package, path, language, text
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{source}: run the `text` stage of scripts/corpus.py first") from error


def write_shards(space: Workspace, packages: list[Package], tokenizer_file: Path, folder: Path | None = None) -> dict:
    """Stage 4: tokenises every split. shards.json is written last, when all the rest is there.

    `folder` is where they go, if not to the workspace's own place: each tokenizer has shards of its own.
    Shards that were made of the same text with the same tokenizer are left alone.
    """
    folder = folder or space.shards
    tokenizer = load_tokenizer(tokenizer_file)
    made_of = {
        "tokenizerSha256": sha256_of(tokenizer_file),
        "textSha256": {split: sha256_of(_text_file(space, split)) for split in SPLITS},
    }
    with contextlib.suppress(ShardError):
        existing = read_index(folder)
        if all(existing.get(key) == value for key, value in made_of.items()):
            return existing
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
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
        writer = ShardWriter(folder, split, numbers, SHARD_TOKENS, tokenizer.size)
        per_language: dict[str, dict[str, int]] = defaultdict(lambda: {"documents": 0, "tokens": 0, "bytes": 0})
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
    target = folder / INDEX_NAME
    aside = target.with_suffix(".partial")
    aside.write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    os.replace(aside, target)
    return index


def _filter_one(space: Workspace, package: Package) -> None:
    archive = archives.cached_archive(space.archives, package)
    if archive is None:
        raise archives.FetchError(f"{package.key}: not in {space.archives}; run `fetch` first")
    _, _, declared = declared_licence(archive)
    if declared and declared != package.licence and not licence_is_allowed(declared):
        raise ManifestError(f"{package.key}: the manifest says {package.licence}, {archive.name} says {declared!r}")
    documents.save(space.filtered, package, documents.filter_package(archive, package))


def _filtered(space: Workspace, package: Package) -> documents.PackageText:
    text = documents.load(space.filtered, package)
    if text is None:
        raise FileNotFoundError(f"{package.key}: no filtered text in {space.filtered}; run the `filter` stage first")
    return text


def _text_file(space: Workspace, split: str) -> Path:
    return space.text / f"{split}.jsonl.gz"


def _write_text(target: Path, rows: list[Row]) -> None:
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

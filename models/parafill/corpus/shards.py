"""Token shards: what training reads. Written once, checked at opening, then memory mapped.

A shard is two files:
- `<split>-NNN.npy`       uint16 [tokens], whole documents one after the other, no separators (uint32 where the
                          tokenizer has more than 65,536 tokens)
- `<split>-NNN.docs.npz`  offsets int64 [documents + 1]; language uint8 and package uint16
                          [documents], indices into the names in shards.json; path_offsets int64
                          [documents + 1] into path_bytes uint8 (UTF-8)
`shards.json` names every file with its size and sha256. It is written last: a folder without it
is an unfinished one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from parafill.corpus.languages import LANGUAGES

INDEX_NAME = "shards.json"
FORMAT = 1


class ShardError(RuntimeError):
    """A shard folder is incomplete or damaged; the message names file, expected and found."""


@dataclass(frozen=True)
class Document:
    """One source file. `ids` is a read-only view into the mapped shard."""

    ids: np.ndarray
    language: str
    package: str
    path: str


@dataclass(frozen=True)
class ShardDocuments:
    """Where the documents of one shard lie and what they are: the contents of `<split>-NNN.docs.npz`."""

    offsets: np.ndarray
    language: np.ndarray
    package: np.ndarray
    path_offsets: np.ndarray
    path_bytes: np.ndarray

    @classmethod
    def load(cls, path: Path) -> ShardDocuments:
        arrays = np.load(path)
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    def span(self, row: int) -> slice:
        """Where a document's ids are in the shard."""
        return slice(int(self.offsets[row]), int(self.offsets[row + 1]))

    def path(self, row: int) -> str:
        return bytes(self.path_bytes[self.path_offsets[row] : self.path_offsets[row + 1]]).decode("utf-8")


@dataclass(frozen=True)
class _Shard:
    ids: np.ndarray
    documents: ShardDocuments


class Documents(Sequence[Document]):
    """All documents of a split, in shard order; random access without loading the shards."""

    def __init__(self, shards: list[_Shard], packages: list[str], languages: list[str]) -> None:
        self._shards = shards
        self._packages = packages
        self._languages = languages
        # int64 [shards + 1]: index of the first document of each shard.
        self._starts = np.cumsum([0] + [len(shard.documents.language) for shard in shards])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> Document:  # type: ignore[override]
        shard, row = self._place(index)
        documents = shard.documents
        return Document(
            ids=shard.ids[documents.span(row)],
            language=self._languages[documents.language[row]],
            package=self._packages[documents.package[row]],
            path=documents.path(row),
        )

    def path(self, index: int) -> str:
        """A document's path inside its package, without touching its ids."""
        shard, row = self._place(index)
        return shard.documents.path(row)

    def _place(self, index: int) -> tuple[_Shard, int]:
        """The shard of a document and its number there. Raises IndexError."""
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(f"document {index} of {len(self)}")
        which = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._shards[which], index - int(self._starts[which])

    def __iter__(self) -> Iterator[Document]:
        return (self[index] for index in range(len(self)))

    @property
    def tokens(self) -> int:
        """Number of tokens in all documents."""
        return sum(len(shard.ids) for shard in self._shards)

    @property
    def lengths(self) -> np.ndarray:
        """int64 [documents]: tokens of every document, for sampling without touching ids."""
        parts = [np.diff(shard.documents.offsets) for shard in self._shards]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    @property
    def packages(self) -> np.ndarray:
        """uint16 [documents]: the number of every document's package."""
        parts = [shard.documents.package for shard in self._shards]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint16)


def open_shards(folder: Path | str, split: str, verify: bool = True) -> Documents:
    """Opens one split. Checks every file's checksum first, unless `verify` is off."""
    folder = Path(folder)
    index = read_index(folder)
    if split not in index["splits"]:
        raise ShardError(f"{folder / INDEX_NAME}: no split {split!r}; it has {', '.join(index['splits'])}")
    shards: list[_Shard] = []
    for name in index["splits"][split]["shards"]:
        ids_path, docs_path = folder / f"{name}.npy", folder / f"{name}.docs.npz"
        for path in (ids_path, docs_path):
            _check_file(path, index["files"][path.name], verify)
        shards.append(_Shard(np.load(ids_path, mmap_mode="r"), ShardDocuments.load(docs_path)))
    packages = [package["name"] for package in index["packages"]]
    return Documents(shards, packages, index["languages"])


def read_index(folder: Path) -> dict:
    """The parsed shards.json of a folder."""
    path = folder / INDEX_NAME
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ShardError(
            f"{path}: not found; the shards are missing or unfinished. Run `python scripts/corpus.py all` in models/."
        ) from error
    except ValueError as error:
        raise ShardError(f"{path}: not valid JSON: {error}") from error
    if index.get("format") != FORMAT:
        raise ShardError(f"{path}: expected format {FORMAT}, found {index.get('format')!r}")
    return index


def _check_file(path: Path, expected: dict, verify: bool) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise ShardError(f"{path}: listed in {INDEX_NAME} but missing; pack the shards again") from (error)
    if size != expected["bytes"]:
        raise ShardError(f"{path}: expected {expected['bytes']} bytes, found {size}")
    if verify:
        found = sha256_of(path)
        if found != expected["sha256"]:
            raise ShardError(f"{path}: expected sha256 {expected['sha256']}, found {found}")


def id_type(vocab_size: int) -> type[np.uint16] | type[np.uint32]:
    """What holds every id of a vocabulary."""
    return np.uint16 if vocab_size <= 1 << 16 else np.uint32


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class ShardWriter:
    """Collects tokenised documents of one split and writes a shard whenever one is full."""

    def __init__(self, folder: Path, split: str, packages: dict[str, int], shard_tokens: int, vocab_size: int) -> None:
        self._folder, self._split, self._packages = folder, split, packages
        self._shard_tokens, self._type = shard_tokens, id_type(vocab_size)
        self.names: list[str] = []
        self.files: dict[str, dict] = {}
        self.documents = 0
        self.tokens = 0
        self._start_shard()

    def add(self, ids: Sequence[int], language: str, package: str, path: str) -> None:
        """Appends one document."""
        array = np.asarray(ids, dtype=self._type)
        self._ids.append(array)
        self._offsets.append(self._offsets[-1] + len(array))
        self._language.append(LANGUAGES.index(language))
        self._package.append(self._packages[package])
        encoded = path.encode("utf-8", "replace")
        self._path_bytes.append(encoded)
        self._path_offsets.append(self._path_offsets[-1] + len(encoded))
        self.documents += 1
        self.tokens += len(array)
        if self._offsets[-1] >= self._shard_tokens:
            self.flush()

    def flush(self) -> None:
        """Writes what is collected as one shard, each file in one atomic step."""
        if not self._ids:
            return
        name = f"{self._split}-{len(self.names):03d}"
        ids_path, docs_path = self._folder / f"{name}.npy", self._folder / f"{name}.docs.npz"
        write_array(ids_path, np.concatenate(self._ids))
        aside = docs_path.with_suffix(".partial")
        with aside.open("wb") as out:
            np.savez(
                out,
                offsets=np.array(self._offsets, dtype=np.int64),
                language=np.array(self._language, dtype=np.uint8),
                package=np.array(self._package, dtype=np.uint16),
                path_offsets=np.array(self._path_offsets, dtype=np.int64),
                path_bytes=np.frombuffer(b"".join(self._path_bytes), dtype=np.uint8),
            )
        os.replace(aside, docs_path)
        for path in (ids_path, docs_path):
            self.files[path.name] = {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        self.names.append(name)
        self._start_shard()

    def _start_shard(self) -> None:
        self._ids: list[np.ndarray] = []
        self._offsets: list[int] = [0]
        self._language: list[int] = []
        self._package: list[int] = []
        self._path_offsets: list[int] = [0]
        self._path_bytes: list[bytes] = []


def write_array(path: Path, array: np.ndarray) -> None:
    """Writes a .npy file in one atomic step; the same array gives the same bytes."""
    aside = path.with_suffix(".partial")
    with aside.open("wb") as out:
        np.save(out, array)
    os.replace(aside, path)

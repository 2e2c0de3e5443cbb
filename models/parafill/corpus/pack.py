"""Shards in the smallest form that is exact, for carrying them to a rented machine.

The ids of a split are one xz stream in which the documents of a package stand together: what they have in common is
then near enough to be seen (a tenth smaller than in the shards' shuffled order). The order follows from the documents'
packages and paths, so it need not be carried. What is unpacked is checked by the checksums of shards.json.
"""

from __future__ import annotations

import lzma
import shutil
from pathlib import Path

import numpy as np

from parafill.corpus.shards import INDEX_NAME, ShardDocuments, ShardError, id_type, read_index, write_array

# Two-byte alignment, that of uint16 ids, tells the compressor which bytes belong together.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9, "lp": 1, "lc": 2, "pb": 1}]
_COPY_BYTES = 1 << 20


def pack_shards(shards: Path, target: Path, limit_bytes: int) -> int:
    """Writes `<split>.ids.xz`, `<shard>.docs.npz.xz` and shards.json; returns all bytes written. Skips what is done.

    Raises ShardError when the packed corpus is larger than `limit_bytes`.
    """
    index = read_index(shards)
    written = target / INDEX_NAME
    # The index is written last, so one that is there and the same says that all the rest is.
    if not (written.is_file() and written.read_bytes() == (shards / INDEX_NAME).read_bytes()):
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for split, entry in index["splits"].items():
            _pack_split(shards, target, split, entry["shards"])
        shutil.copyfile(shards / INDEX_NAME, written)
    total = sum(path.stat().st_size for path in target.iterdir())
    if total > limit_bytes:
        raise ShardError(f"{target}: {total} bytes, more than the limit of {limit_bytes} bytes")
    return total


def unpack_shards(packed: Path, target: Path) -> None:
    """The inverse; shards.json is written last. `open_shards` checks the result."""
    index = read_index(packed)
    target.mkdir(parents=True, exist_ok=True)
    for split, entry in index["splits"].items():
        _unpack_split(packed, target, split, entry["shards"], np.dtype(id_type(index["vocabSize"])))
    shutil.copyfile(packed / INDEX_NAME, target / INDEX_NAME)


def _pack_split(shards: Path, target: Path, split: str, names: list[str]) -> None:
    for name in names:
        with (shards / f"{name}.docs.npz").open("rb") as data, _create(target / f"{name}.docs.npz.xz") as out:
            shutil.copyfileobj(data, out, _COPY_BYTES)
    ids = [np.load(shards / f"{name}.npy", mmap_mode="r") for name in names]
    documents = [ShardDocuments.load(shards / f"{name}.docs.npz") for name in names]
    with _create(target / f"{split}.ids.xz") as out:
        for which, row in _package_order(documents):
            out.write(ids[which][documents[which].span(row)].tobytes())


def _unpack_split(packed: Path, target: Path, split: str, names: list[str], kind: np.dtype) -> None:
    documents = []
    for name in names:
        path = target / f"{name}.docs.npz"
        _unpack_file(packed / f"{name}.docs.npz.xz", path)
        documents.append(ShardDocuments.load(path))
    ids = [np.empty(part.offsets[-1], kind) for part in documents]
    source = packed / f"{split}.ids.xz"
    try:
        with lzma.open(source) as data:
            for which, row in _package_order(documents):
                span = documents[which].span(row)
                ids[which][span] = np.frombuffer(data.read(kind.itemsize * (span.stop - span.start)), kind)
            if data.read(1):  # also reads the checksum behind the last id
                raise ValueError("more ids than the documents have")
    except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
        raise ShardError(f"{source}: cannot be unpacked: {error}") from error
    for name, array in zip(names, ids, strict=True):
        write_array(target / f"{name}.npy", array)


def _unpack_file(source: Path, target: Path) -> None:
    try:
        with lzma.open(source) as data, target.open("wb") as out:
            shutil.copyfileobj(data, out, _COPY_BYTES)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise ShardError(f"{source}: cannot be unpacked: {error}") from error


def _package_order(documents: list[ShardDocuments]) -> list[tuple[int, int]]:
    """(shard, row) of all documents of a split, by package and path."""
    keys = [
        (int(part.package[row]), part.path(row), which, row)
        for which, part in enumerate(documents)
        for row in range(len(part.language))
    ]
    return [(which, row) for _, _, which, row in sorted(keys)]


def _create(path: Path) -> lzma.LZMAFile:
    return lzma.open(path, "wb", filters=_FILTERS)

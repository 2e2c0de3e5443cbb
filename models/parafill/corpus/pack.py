"""Shards in the smallest form that is exact, for carrying them to a rented machine.

Every file is compressed with xz on its own, so that unpacking is a loop and a damaged file is
found by the checksums of shards.json like any other.
"""

from __future__ import annotations

import lzma
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from parafill.corpus.shards import INDEX_NAME, ShardError, read_index

# uint16 ids: two-byte alignment tells the compressor which bytes belong together.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lp": 1, "lc": 2, "pb": 1}]


def pack_shards(shards: Path, target: Path, limit_bytes: int) -> int:
    """Writes `<file>.xz` for every shard file; returns all bytes written. Skips what is done.

    Raises ShardError when the packed corpus is larger than `limit_bytes`.
    """
    index = read_index(shards)
    target.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda name: _compress(shards / name, target / f"{name}.xz"), index["files"]))
    shutil.copyfile(shards / INDEX_NAME, target / INDEX_NAME)
    total = sum((target / f"{name}.xz").stat().st_size for name in index["files"])
    total += (target / INDEX_NAME).stat().st_size
    if total > limit_bytes:
        raise ShardError(f"{target}: {total} bytes, more than the limit of {limit_bytes} bytes")
    return total


def unpack_shards(packed: Path, target: Path) -> None:
    """The inverse; shards.json is written last. `open_shards` checks the result."""
    index = read_index(packed)
    target.mkdir(parents=True, exist_ok=True)
    for name in index["files"]:
        source = packed / f"{name}.xz"
        try:
            with lzma.open(source) as data, (target / name).open("wb") as out:
                shutil.copyfileobj(data, out, 1 << 20)
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise ShardError(f"{source}: cannot be unpacked: {error}") from error
    shutil.copyfile(packed / INDEX_NAME, target / INDEX_NAME)


def _compress(source: Path, target: Path) -> None:
    # A packed file that is newer than its shard is of this shard.
    if target.is_file() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
        return
    aside = target.with_suffix(".partial")
    with source.open("rb") as data, lzma.open(aside, "wb", filters=_FILTERS) as out:
        shutil.copyfileobj(data, out, 1 << 20)
    aside.replace(target)

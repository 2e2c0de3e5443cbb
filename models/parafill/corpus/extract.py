"""Reads the text files out of a package archive, including sources kept in source maps.

Many npm packages ship compiled JavaScript whose source map carries the TypeScript it came from
(`sourcesContent`). That text is what people write, so it is taken, and the compiled file is not.
"""

from __future__ import annotations

import json
import posixpath
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from parafill.corpus.languages import language_of

# A source file of more than this is data or a bundle; reading it would only cost memory.
MAX_SOURCE_BYTES = 400_000
MAX_MAP_BYTES = 40_000_000


class ArchiveError(RuntimeError):
    """An archive cannot be read; the message names the file and says how to get a new one."""


@dataclass(frozen=True)
class RawFile:
    """One file as found: `path` inside the package, undecoded bytes."""

    path: str
    data: bytes
    from_source_map: bool = False


def extract(archive: Path) -> Iterator[RawFile]:
    """Yields every file of a known language, then the sources of source maps, once per path."""
    seen: set[str] = set()
    maps: list[tuple[str, bytes]] = []
    for path, data in _members(archive):
        if path.endswith(".map"):
            maps.append((path, data))
            continue
        if path not in seen:
            seen.add(path)
            yield RawFile(path, data)
    for path, data in maps:
        for file in _sources_of_map(path, data):
            if file.path not in seen:
                seen.add(file.path)
                yield file


def read_metadata(archive: Path) -> bytes:
    """The package.json of an npm archive or the METADATA of a wheel."""
    try:
        if archive.suffix == ".tgz":
            with tarfile.open(archive) as tar:
                for member in tar:
                    if member.name.count("/") == 1 and member.name.endswith("/package.json"):
                        handle = tar.extractfile(member)
                        return handle.read() if handle else b""
        else:
            with zipfile.ZipFile(archive) as wheel:
                for name in wheel.namelist():
                    if name.endswith(".dist-info/METADATA") and name.count("/") == 1:
                        return wheel.read(name)
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, zlib.error) as error:
        raise _damaged(archive, error) from error
    raise ArchiveError(f"{archive}: no package metadata inside")


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    try:
        if archive.name.endswith((".whl", ".zip")):
            yield from _zip_members(archive)
        else:
            yield from _tar_members(archive)
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, zlib.error) as error:
        raise _damaged(archive, error) from error


def _tar_members(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            # The first folder is "package/" (npm) or "name-version/" (sdist).
            path = member.name.partition("/")[2]
            if member.isfile() and _is_wanted(path, member.size):
                handle = tar.extractfile(member)
                if handle is not None:
                    yield path, handle.read()


def _zip_members(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as wheel:
        for info in wheel.infolist():
            if not info.is_dir() and _is_wanted(info.filename, info.file_size):
                yield info.filename, wheel.read(info)


def _is_wanted(path: str, size: int) -> bool:
    if path.endswith((".js.map", ".mjs.map", ".cjs.map")):
        return 0 < size <= MAX_MAP_BYTES
    return language_of(path) is not None and 0 < size <= MAX_SOURCE_BYTES


def _sources_of_map(map_path: str, data: bytes) -> Iterator[RawFile]:
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return  # A broken map in a published package is not ours to report.
    if not isinstance(parsed, dict):
        return
    sources, contents = parsed.get("sources"), parsed.get("sourcesContent")
    if not isinstance(sources, list) or not isinstance(contents, list):
        return
    root = parsed.get("sourceRoot") if isinstance(parsed.get("sourceRoot"), str) else ""
    for source, content in zip(sources, contents, strict=False):
        if not isinstance(source, str) or not isinstance(content, str):
            continue
        path = _map_path(map_path, root or "", source)
        if language_of(path) is None or len(content) > MAX_SOURCE_BYTES:
            continue
        yield RawFile(path, content.encode("utf-8", "surrogatepass"), from_source_map=True)


def _map_path(map_path: str, root: str, source: str) -> str:
    """A stable path inside the package for a source named relative to its map."""
    source = re.sub(r"^[a-z][\w+.-]*://(/|[^/]*/)?", "", source).split("?")[0]
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(map_path), root, source))
    return joined.lstrip("./") if joined.startswith("..") else joined.lstrip("/")


def _damaged(archive: Path, error: Exception) -> ArchiveError:
    return ArchiveError(f"{archive}: damaged archive ({error}); delete it and run `fetch` again")

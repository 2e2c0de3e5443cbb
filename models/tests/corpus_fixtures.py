"""Tiny package archives and texts that the corpus tests build in a temporary folder."""

from __future__ import annotations

import io
import json
import random
import tarfile
import zipfile
from pathlib import Path

PYTHON = '''"""Small helpers around sequences."""


def pairs(values):
    """Neighbouring pairs of a sequence."""
    previous = None
    for value in values:
        if previous is not None:
            yield previous, value
        previous = value


def total(values):
    """Sum of all values, zero for none."""
    result = 0
    for value in values:
        result += value
    return result
'''

TYPESCRIPT = """/** A queue that remembers in which order things came. */
export class Queue<T> {
  private readonly items: T[] = [];

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    return this.items.shift();
  }

  get size(): number {
    return this.items.length;
  }
}
"""

_KEYWORDS = {"export", "class", "private", "readonly", "return", "number", "yield", "undefined"}


def variant(text: str, number: int) -> str:
    """A text of its own kind: every long word but keywords renamed and the order of lines kept."""
    generator = random.Random(number)
    words = {word: f"{word}_{generator.randrange(10**6)}" for word in _words(text)}
    return "".join(words.get(part, part) for part in _split(text))


def npm_archive(path: Path, files: dict[str, str | bytes], **metadata: object) -> Path:
    """An npm tarball; `metadata` becomes package.json."""
    path.parent.mkdir(parents=True, exist_ok=True)
    everything = {"package.json": json.dumps(metadata), **files}
    with tarfile.open(path, "w:gz") as tar:
        for name, content in everything.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def wheel(path: Path, files: dict[str, str], metadata: str) -> Path:
    """A Python wheel; `metadata` is the text of its METADATA."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stem = "-".join(path.name.split("-")[:2])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{stem}.dist-info/METADATA", metadata)
    return path


def _words(text: str) -> list[str]:
    words = {part for part in _split(text) if len(part) > 4 and part.isidentifier()}
    return sorted(words - _KEYWORDS)


def _split(text: str) -> list[str]:
    parts, word = [], ""
    for character in text:
        if character.isalnum() or character == "_":
            word += character
            continue
        if word:
            parts.append(word)
        word = ""
        parts.append(character)
    return [*parts, word] if word else parts

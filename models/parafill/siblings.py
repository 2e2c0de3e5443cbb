"""Which documents of a document's own package stand for the files that are open beside it while it is edited."""

from __future__ import annotations

import random
import re
from typing import Protocol

import numpy as np

from .tokenizer import CodeTokenizer
from .workspace import SourceFile, is_copy, long_lines

#: Imports stand near the beginning of a file: so many tokens are searched for them.
_IMPORT_TOKENS = 800

_IMPORT = re.compile(
    r"(?:\bfrom|\brequire\(|\bimport\(?)\s*(?P<quote>['\"])(?P<path>\.[^'\"\n]*)(?P=quote)"
    r"|^\s*from\s+(?P<module>[.\w]+)\s+import\s+\(?(?P<names>[\w ,]*)|^\s*import\s+(?P<whole>[\w.]+)\s*(?:$|,|#|as\b)",
    re.MULTILINE,
)
_EXTENSION = re.compile(r"(?:\.d)?\.[A-Za-z]+$")


class Document(Protocol):
    ids: np.ndarray
    path: str


class Documents(Protocol):
    #: The number of each document's package.
    packages: np.ndarray

    def __getitem__(self, index: int) -> Document: ...
    def path(self, index: int) -> str: ...


def imported_stems(text: str) -> list[str]:
    """The last parts of the names of modules that a text imports, without extensions, in order of appearance."""
    found: list[str] = []
    for match in _IMPORT.finditer(text):
        if match["path"]:
            found.append(_EXTENSION.sub("", match["path"].rstrip("/").split("/")[-1]))
        elif match["module"]:
            found.append(match["module"].split(".")[-1])
            found += [name.split()[0] for name in match["names"].split(",") if name.strip()]
        else:
            found.append(match["whole"].split(".")[-1])
    return list(dict.fromkeys(stem for stem in found if stem))


def stem(path: str) -> str:
    """The name under which a file is imported: its own without extensions, or its folder's."""
    parts = path.split("/")
    name = _EXTENSION.sub("", parts[-1])
    return parts[-2] if name in ("index", "__init__") and len(parts) > 1 else name


class Siblings:
    """Other documents of the same package, drawn with the caller's generator."""

    def __init__(self, documents: Documents, tokenizer: CodeTokenizer) -> None:
        self.documents, self.tokenizer = documents, tokenizer
        self._members: dict[int, list[tuple[str, int]]] = {}

    def draw(
        self, index: int, rng: random.Random, imported: int = 3, near: int = 3, tokens: int = 3_000
    ) -> list[SourceFile]:
        """Files beside document `index`: imported ones first, then ones whose paths are nearest to its own.

        At most so many of each, their first `tokens`, which bounds what a training sequence costs. Copies of the
        document are left out.
        """
        members = self._members_of(int(self.documents.packages[index]))
        if len(members) < 2:
            return []
        decode = self.tokenizer.decode
        document = self.documents[index]
        stems = set(imported_stems(decode(document.ids[:_IMPORT_TOKENS].tolist())))
        modules = [i for path, i in members if i != index and stem(path) in stems]
        modules = rng.sample(modules, min(imported, len(modules)))
        at = members.index((document.path, index))
        around = [i for _, i in members[max(0, at - near) : at + near + 1] if i != index and i not in modules]
        around = rng.sample(around, min(near, len(around)))
        own = long_lines(decode(document.ids.tolist()))
        files = []
        for i in [*modules, *around]:
            sibling = self.documents[i]
            content = decode(sibling.ids[:tokens].tolist())
            if not is_copy(long_lines(content), own):
                files.append(SourceFile(sibling.path, content, i in modules))
        return files

    def _members_of(self, package: int) -> list[tuple[str, int]]:
        """(path, document) of a package, by path."""
        if package not in self._members:
            found = np.flatnonzero(self.documents.packages == package).tolist()
            self._members[package] = sorted((self.documents.path(i), i) for i in found)
        return self._members[package]

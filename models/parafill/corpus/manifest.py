"""The committed list of packages the corpus is made of: name, version, licence, split.

The manifest is the only part of the corpus in git. Everything else can be rebuilt from it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

ECOSYSTEMS = ("npm", "pypi")
SPLITS = ("train", "validation", "test")

# SPDX identifiers that allow redistribution of a model trained on the text without conditions
# beyond attribution (attribution is the manifest itself).
ALLOWED_LICENCES = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "PSF-2.0",
        "Python-2.0",
        "Unlicense",
        "Zlib",
    }
)


class ManifestError(ValueError):
    """The manifest is not what the corpus needs; the message names the file and the entry."""


@dataclass(frozen=True)
class Package:
    """One pinned package. `key` names it everywhere (shards, reports, cache files)."""

    ecosystem: str
    name: str
    version: str
    licence: str
    split: str = "train"

    @property
    def key(self) -> str:
        return f"{self.ecosystem}:{self.name}@{self.version}"

    @property
    def file_stem(self) -> str:
        """A file name that no other package has: scopes and separators flattened."""
        return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{self.ecosystem}-{self.name}-{self.version}")


def licence_is_allowed(expression: str) -> bool:
    """Whether an SPDX expression can be satisfied by allowed licences alone.

    `OR` needs one allowed side, `AND` needs all of them. Parentheses are only grouping around
    one of these two operators in practice, so they are dropped.
    """
    flat = expression.replace("(", " ").replace(")", " ").strip()
    if not flat:
        return False
    alternatives = re.split(r"\s+OR\s+", flat)
    return any(
        all(part.strip() in ALLOWED_LICENCES for part in re.split(r"\s+AND\s+", alternative))
        for alternative in alternatives
    )


def load_manifest(path: Path) -> list[Package]:
    """Reads and checks a manifest. Raises ManifestError naming the offending entry."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ManifestError(f"{path}: the corpus manifest does not exist") from error
    except json.JSONDecodeError as error:
        raise ManifestError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(raw, dict) or raw.get("format") != 1:
        raise ManifestError(f'{path}: expected {{"format": 1, "packages": […]}}')
    packages = [_parse(path, index, entry) for index, entry in enumerate(raw.get("packages", []))]
    seen: dict[tuple[str, str], int] = {}
    for index, package in enumerate(packages):
        identity = (package.ecosystem, package.name)
        if identity in seen:
            raise ManifestError(
                f"{path}: packages[{index}] {package.key} is listed twice (first as packages[{seen[identity]}])"
            )
        seen[identity] = index
    if not packages:
        raise ManifestError(f"{path}: the list of packages is empty")
    return packages


def save_manifest(path: Path, packages: list[Package]) -> None:
    """Writes one package a line, sorted, so that a change reads well in a diff."""
    lines = []
    for package in sorted(packages, key=lambda p: (p.ecosystem, p.name)):
        entry = {
            "ecosystem": package.ecosystem,
            "name": package.name,
            "version": package.version,
            "licence": package.licence,
        }
        if package.split != "train":
            entry["split"] = package.split
        lines.append("    " + json.dumps(entry, ensure_ascii=False))
    body = '{\n  "format": 1,\n  "packages": [\n' + ",\n".join(lines) + "\n  ]\n}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body, encoding="utf-8")


def _parse(path: Path, index: int, entry: object) -> Package:
    where = f"{path}: packages[{index}]"
    if not isinstance(entry, dict):
        raise ManifestError(f"{where}: expected an object, found {type(entry).__name__}")
    for field in ("ecosystem", "name", "version", "licence"):
        value = entry.get(field)
        if not isinstance(value, str) or not value:
            raise ManifestError(f"{where}: expected a text for {field!r}, found {value!r}")
    package = Package(
        ecosystem=entry["ecosystem"],
        name=entry["name"],
        version=entry["version"],
        licence=entry["licence"],
        split=entry.get("split", "train"),
    )
    if package.ecosystem not in ECOSYSTEMS:
        raise ManifestError(f"{where}: ecosystem {package.ecosystem!r} is not one of {', '.join(ECOSYSTEMS)}")
    if package.split not in SPLITS:
        raise ManifestError(f"{where}: split {package.split!r} is not one of {', '.join(SPLITS)}")
    if not licence_is_allowed(package.licence):
        raise ManifestError(
            f"{where}: {package.name}@{package.version} has licence {package.licence!r}, which is "
            f"outside the allowed list ({', '.join(sorted(ALLOWED_LICENCES))}); remove the package"
        )
    return package

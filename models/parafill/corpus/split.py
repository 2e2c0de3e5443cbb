"""Splits by package, so that no package is both learnt from and tested on.

The assignment is written into the manifest when packages are pinned and never recomputed: adding
packages later must not move a test package into training.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from parafill.corpus.manifest import Package

HELD_OUT_SHARE = 0.02
# A package larger than this part of its group would make the held-out text one project's style.
MAX_PACKAGE_SHARE = 0.012
MIN_PACKAGES = 3


def assign_splits(packages: list[Package], sizes: Mapping[str, Mapping[str, int]], seed: int) -> list[Package]:
    """Holds out about HELD_OUT_SHARE of each language group for validation and for test.

    `sizes` maps package key -> group -> bytes of filtered text. Packages already held out stay.
    Validation and test get at least MIN_PACKAGES packages of every group that has enough.
    """
    totals: dict[str, int] = defaultdict(int)
    for package in packages:
        for group, size in sizes.get(package.key, {}).items():
            totals[group] += size
    assigned = {package.key: package for package in packages}
    for split in ("validation", "test"):
        for group in ("python", "typescript", "javascript"):
            held = [p for p in assigned.values() if p.split == split and main_group(sizes, p) == group]
            have = sum(sizes[p.key][group] for p in held)
            count = len(held)
            for package in sorted(assigned.values(), key=lambda p: _order(p, seed)):
                if have >= HELD_OUT_SHARE * totals[group] and count >= MIN_PACKAGES:
                    break
                size = sizes.get(package.key, {}).get(group, 0)
                if package.split != "train" or main_group(sizes, package) != group:
                    continue
                if not 40_000 < size < MAX_PACKAGE_SHARE * totals[group]:
                    continue
                assigned[package.key] = replace(package, split=split)
                have += size
                count += 1
    return [assigned[package.key] for package in packages]


def main_group(sizes: Mapping[str, Mapping[str, int]], package: Package) -> str:
    """The code group most of a package is written in ("" without code)."""
    code = {g: n for g, n in sizes.get(package.key, {}).items() if g != "markup"}
    return max(code, key=lambda group: code[group]) if code else ""


def _order(package: Package, seed: int) -> str:
    text = f"{seed}:{package.ecosystem}:{package.name}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

"""Fetches pinned package archives through the ordinary clients of the two registries.

`npm pack` and `pip download` honour the user's registry configuration, so this module knows no
host names. An archive is fetched once into the cache and reused for ever after.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from parafill.corpus.manifest import Package

FETCH_TIMEOUT_SECONDS = 600

# The wheels of one platform, whatever machine fetches them: the text must be the same everywhere.
_WHEEL_TARGET = ["--python-version", "3.11", "--implementation", "cp"]
_WHEEL_TARGET += [f"--abi={abi}" for abi in ("cp311", "abi3", "none")]
_WHEEL_TARGET += [f"--platform=manylinux_2_{minor}_x86_64" for minor in (28, 27, 24, 17, 12, 5)]
_WHEEL_TARGET += ["--platform=manylinux2014_x86_64", "--platform=any"]


class FetchError(RuntimeError):
    """A package could not be fetched; the message says which one and what the client said."""


def cached_archive(cache: Path, package: Package) -> Path | None:
    """The archive of a package if the cache holds it, else None."""
    folder = cache / package.ecosystem
    if package.ecosystem == "npm":
        flat = package.name.lstrip("@").replace("/", "-")
        candidate = folder / f"{flat}-{package.version}.tgz"
        return candidate if candidate.is_file() else None
    # Wheels and sdists spell the name in several normalised ways: compare without separators.
    wanted = _squash(package.name)
    for candidate in sorted(folder.glob("*")):
        name, version = _python_file_parts(candidate.name)
        if _squash(name) == wanted and version == package.version:
            return candidate
    return None


def fetch(cache: Path, package: Package) -> Path:
    """Returns the cached archive of a package, fetching it first if needed."""
    found = cached_archive(cache, package)
    if found is not None:
        return found
    folder = cache / package.ecosystem
    folder.mkdir(parents=True, exist_ok=True)
    # A client that is interrupted leaves half a file: fetch aside, then move into place.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as aside:
        _run_client(package, Path(aside))
        files = [path for path in Path(aside).iterdir() if path.is_file()]
        if len(files) != 1:
            raise FetchError(
                f"{package.key}: expected one archive from the registry client, found {[path.name for path in files]}"
            )
        shutil.move(files[0], folder / files[0].name)
    found = cached_archive(cache, package)
    if found is None:
        raise FetchError(f"{package.key}: the client wrote {files[0].name}, another version")
    return found


def fetch_all(
    cache: Path,
    packages: Iterable[Package],
    workers: int = 4,
    progress: Callable[[int, int, Package], None] | None = None,
) -> dict[str, Path]:
    """Fetches all packages, a few at a time. Tries all of them before it reports the failures."""
    wanted = list(packages)
    archives: dict[str, Path] = {}
    failures: list[str] = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        jobs = {pool.submit(fetch, cache, package): package for package in wanted}
        for done, job in enumerate(as_completed(jobs), start=1):
            package = jobs[job]
            try:
                archives[package.key] = job.result()
            except FetchError as error:
                failures.append(str(error))
            if progress is not None:
                progress(done, len(wanted), package)
    if failures:
        raise FetchError(f"{len(failures)} of {len(wanted)} packages could not be fetched:\n" + "\n".join(failures))
    return archives


def _run_client(package: Package, folder: Path) -> None:
    if package.ecosystem == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise FetchError(f"{package.key}: npm is not on the PATH; install Node.js")
        command = [npm, "pack", f"{package.name}@{package.version}", "--loglevel=error"]
        command += ["--pack-destination", str(folder)]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", *_WHEEL_TARGET, "--dest", str(folder)]
        command += [f"{package.name}=={package.version}"]
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=FETCH_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{package.key}: no answer in {FETCH_TIMEOUT_SECONDS} s") from error
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip()[-800:]
        raise FetchError(f"{package.key}: the registry client failed: {said}")


def _squash(name: str) -> str:
    return re.sub(r"[-_.]+", "", name).lower()


def _python_file_parts(file_name: str) -> tuple[str, str]:
    """(distribution name, version) of a wheel or sdist file name."""
    if file_name.endswith(".whl"):
        parts = file_name.split("-")
        return (parts[0], parts[1]) if len(parts) >= 5 else ("", "")
    stem = re.sub(r"\.(tar\.gz|zip|tgz)$", "", file_name)
    name, _, version = stem.rpartition("-")
    return name, version

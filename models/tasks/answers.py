"""Answers that are kept: an evaluation that was interrupted, or is made larger, asks only what nobody asked yet.

A file holds the engine's own lines for one model and one build of the engine, each beside the name of its request,
which says how to decode, too: a figure never mixes models, engines or ways.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from parafill.corpus.shards import sha256_of
from tasks.engine import Answer, EngineError, EngineOptions, parse_answer, run_engine

# What the engine's answers depend on besides the model.
ENGINE_FILES = ("dist/cli.js", "dist/worker.js")


def build_engine(repository: Path) -> str:
    """Builds the engine once for many runs; returns 12 hex digits that change when it does."""
    npm = shutil.which("npm")
    if npm is None:
        raise EngineError("npm is not on the PATH; install Node.js >= 20")
    built = subprocess.run([npm, "run", "--silent", "build"], cwd=repository, capture_output=True, text=True)
    if built.returncode != 0:
        raise EngineError(f"{repository}: `npm run build` failed:\n{built.stdout[-1000:]}{built.stderr[-1000:]}")
    return hashlib.sha256("".join(sha256_of(repository / name) for name in ENGINE_FILES).encode()).hexdigest()[:12]


class AnswerBook:
    """Asks the engine, and remembers what it said in `folder`."""

    def __init__(self, folder: Path, repository: Path, engine: str, threads: int | None = None) -> None:
        self._folder, self._repository, self._engine, self._threads = folder, repository, engine, threads
        self._known: dict[Path, dict[str, Answer]] = {}

    def known(self, model: Path, requests: Sequence[dict]) -> list[Answer | None]:
        """What is remembered, in the order of the requests."""
        known = self._load(self._file(model))
        return [known.get(_key(request)) for request in requests]

    def ask(self, model: Path, requests: Sequence[dict], label: str) -> None:
        """Asks what is not remembered. An answer is written as it comes, but errors are asked again next time."""
        path = self._file(model)
        known = self._load(path)
        missing = {key: request for request in requests if (key := _key(request)) not in known}
        if not missing:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as out:

            def keep(key: str, line: str) -> None:
                known[key] = parse_answer(line)
                if known[key].error is None:
                    out.write(json.dumps([key, line.strip()]) + "\n")
                    out.flush()

            asked = [{**request, "id": key} for key, request in missing.items()]
            options = EngineOptions(model=model, threads=self._threads)
            run_engine(self._repository, asked, options, label, is_built=True, on_line=keep)

    def _file(self, model: Path) -> Path:
        return self._folder / f"{sha256_of(model / 'model.onnx')[:12]}-{self._engine}.jsonl"

    def _load(self, path: Path) -> dict[str, Answer]:
        if path not in self._known:
            known = self._known[path] = {}
            for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
                try:
                    key, answer = json.loads(line)
                    known[key] = parse_answer(answer)
                except ValueError:
                    continue  # The last line of a run that was killed; it is asked again.
        return self._known[path]


def _key(request: dict) -> str:
    """Names a request by all it says but its id."""
    said = {name: value for name, value in request.items() if name != "id"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:24]

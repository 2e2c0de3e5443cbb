"""Runs the product's terminal engine over many requests and collects its answers."""

from __future__ import annotations

import json
import math
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# The first answer waits for a build and the loading of the model; later ones for one request.
ANSWER_TIMEOUT_SECONDS = 300


class EngineError(RuntimeError):
    """The engine did not start, stopped early or fell silent; the message quotes it."""


@dataclass(frozen=True)
class EngineOptions:
    """One way to run the engine; becomes command line options."""

    mode: str = "diffusion"
    steps: int | None = None
    candidates: int = 1
    temperature: float = 0.0
    seed: int = 1
    threads: int | None = None
    model: Path | None = None

    def arguments(self) -> list[str]:
        arguments = ["--jsonl", "--mode", self.mode, "--candidates", str(self.candidates)]
        arguments += ["--temperature", str(self.temperature), "--seed", str(self.seed)]
        if self.steps is not None:
            arguments += ["--steps", str(self.steps)]
        if self.threads is not None:
            arguments += ["--threads", str(self.threads)]
        if self.model is not None:
            arguments += ["--model", str(self.model.resolve())]
        return arguments


@dataclass(frozen=True)
class Answer:
    """What the engine said to one request. `error` is set when it could not answer."""

    id: str
    # One list of fills (one per hole) for every candidate, best first.
    fills: list[list[str]] = field(default_factory=list)
    # Whether the file parses with the fill, where the engine could tell.
    parses: list[bool | None] = field(default_factory=list)
    steps: int = 0
    total_ms: float = 0.0
    # Part of total_ms: reading the context, which the editor's cache mostly saves.
    encode_ms: float = 0.0
    error: str | None = None
    # Of the best candidate's first fill: UTF-16 units and natural-log likelihood of its beginnings, shortest first.
    beginnings: list[tuple[int, float]] = field(default_factory=list)
    # Of the best candidate: natural-log likelihood of all its fills, and the mean probability of its chosen tokens.
    score: float = math.nan
    confidence: float = math.nan
    # For every candidate, how often it was drawn; an engine that does not say drew each once.
    draws: list[int] = field(default_factory=list)

    @property
    def best(self) -> str:
        """The first hole's text of the best candidate ("" when there is none)."""
        return self.fills[0][0] if self.fills and self.fills[0] else ""


def run_engine(
    repository: Path,
    requests: Sequence[dict],
    options: EngineOptions,
    label: str = "",
    *,
    is_built: bool = False,
    on_line: Callable[[str, str], None] | None = None,
) -> dict[str, Answer]:
    """Answers by request id; every request has one. Shows progress on standard error.

    With `is_built` the engine is taken as it is. `on_line` is given the id and the line of each answer as it comes.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise EngineError("npm is not on the PATH; install Node.js >= 20")
    built = ["--ignore-scripts"] if is_built else []
    command = [npm, "run", "--silent", *built, "infill", "--", *options.arguments()]
    process = subprocess.Popen(
        command,
        cwd=repository,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        return _converse(process, command, requests, label, on_line)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def parse_answer(line: str) -> Answer:
    """One output line of the engine. Raises ValueError when it is not a JSON object."""
    parsed = json.loads(line)
    if not isinstance(parsed, dict):
        raise ValueError(f"expected a JSON object, found {line[:80]!r}")
    identity = str(parsed.get("id"))
    if "candidates" not in parsed:
        reason = parsed.get("error", parsed.get("reason", "no candidates in the answer"))
        return Answer(identity, error=reason if isinstance(reason, str) else json.dumps(reason))
    candidates = parsed["candidates"]
    return Answer(
        identity,
        fills=[candidate["fills"] for candidate in candidates],
        parses=[candidate.get("parses") for candidate in candidates],
        score=float(candidates[0].get("score", math.nan)) if candidates else math.nan,
        confidence=float(candidates[0].get("confidence", math.nan)) if candidates else math.nan,
        beginnings=[(end, log) for end, log in candidates[0].get("beginnings", [[]])[0]] if candidates else [],
        steps=int(parsed.get("steps", 0)),
        total_ms=float(parsed.get("timings", {}).get("totalMs", 0.0)),
        encode_ms=float(parsed.get("timings", {}).get("encodeMs", 0.0)),
        draws=[int(candidate.get("draws", 1)) for candidate in candidates],
        error=None if candidates else "no candidates",
    )


def _converse(
    process: subprocess.Popen[str],
    command: list[str],
    requests: Sequence[dict],
    label: str,
    on_line: Callable[[str, str], None] | None,
) -> dict[str, Answer]:
    assert process.stdin and process.stdout and process.stderr
    # Three pipes are served at once: a full pipe on either side would stop both processes.
    lines: queue.Queue[str | None] = queue.Queue()
    errors: list[str] = []
    threads = [
        threading.Thread(target=_write_all, args=(process, requests), daemon=True),
        threading.Thread(target=_read_all, args=(process.stdout, lines), daemon=True),
        threading.Thread(target=lambda: errors.extend(process.stderr or []), daemon=True),
    ]
    for thread in threads:
        thread.start()
    answers: dict[str, Answer] = {}
    shown = started = time.monotonic()
    while len(answers) < len(requests):
        try:
            line = lines.get(timeout=ANSWER_TIMEOUT_SECONDS)
        except queue.Empty:
            raise EngineError(
                f"no answer in {ANSWER_TIMEOUT_SECONDS} s after {len(answers)} of {len(requests)}: {' '.join(command)}"
            ) from None
        if line is None:
            process.wait()
            threads[2].join(timeout=5)
            raise EngineError(
                f"the engine ended (exit code {process.returncode}) after {len(answers)} of "
                f"{len(requests)} answers: {' '.join(command)}\n{''.join(errors)[-2000:]}"
            )
        if not line.strip():
            continue
        try:
            answer = parse_answer(line)
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError(f"unreadable answer from the engine: {line[:200]!r}: {error}") from (error)
        answers[answer.id] = answer
        if on_line is not None:
            on_line(answer.id, line)
        now = time.monotonic()
        if now - shown > 10:
            shown = now
            print(f"{label}: {len(answers)}/{len(requests)}  {now - started:.0f} s", file=sys.stderr)
    return answers


def _write_all(process: subprocess.Popen[str], requests: Sequence[dict]) -> None:
    assert process.stdin
    try:
        for request in requests:
            process.stdin.write(json.dumps(request) + "\n")
        process.stdin.close()
    except BrokenPipeError:
        return  # The reader notices the end and reports it with the engine's own words.


def _read_all(stream: object, lines: queue.Queue[str | None]) -> None:
    for line in stream:  # type: ignore[attr-defined]
        lines.put(line)
    lines.put(None)

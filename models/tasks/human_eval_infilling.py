"""HumanEval-Infilling: a fill counts when the program passes its tests.

The benchmark's files are given by path and never committed (openai/human-eval-infilling, MIT).
Programs contain text written by a model: each runs in a process of its own with limits on time,
memory and output. There is no network namespace; run it where that does not matter.

A single-line hole is a whole line with its line end. The engine fills at a cursor, which in an
editor always has the line end to its right, so the request keeps that line end in the text after
the hole and the program gets it back. The random-span split is asked exactly as published.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from parafill.tokenizer import CodeTokenizer
from tasks.engine import Answer
from tasks.metrics import mean, median

FILES = {
    "single-line": "HumanEval-SingleLineInfilling.jsonl.gz",
    "random-span": "HumanEval-RandomSpanInfillingLight.jsonl.gz",
}
TIME_LIMIT_SECONDS = 5
MEMORY_LIMIT_BYTES = 1 << 30
OUTPUT_LIMIT_BYTES = 1 << 20


class BenchmarkMissing(FileNotFoundError):
    """The benchmark's files are not in the given folder."""


@dataclass(frozen=True)
class Task:
    """One benchmark task. `before + fill + after` is a program; `test` calls it."""

    id: str
    before: str
    after: str
    solution: str
    test: str
    entry_point: str

    def request(self, tokenizer: CodeTokenizer | None = None) -> dict:
        """The engine's request; with a tokenizer the true length in tokens is told."""
        request: dict = {"id": self.id, "language": "python", "segments": [self.before, self.after]}
        if tokenizer is not None:
            request["lengths"] = [len(tokenizer.encode(self.solution))]
        return request

    def program(self, fill: str) -> str:
        """The filled program followed by its tests."""
        return f"{self.before}{fill}{self.after}\n{self.test}\ncheck({self.entry_point})\n"


def load_tasks(folder: Path, split: str) -> list[Task]:
    """All tasks of "single-line" or "random-span"."""
    path = folder / FILES[split]
    if not path.is_file():
        raise BenchmarkMissing(f"{path}: not found; give the folder of HumanEval-Infilling files")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [_task(json.loads(line), split) for line in lines]


def _task(raw: dict, split: str) -> Task:
    solution, after = raw["canonical_solution"], raw["suffix"]
    if split == "single-line" and solution.endswith("\n"):
        solution, after = solution[:-1], "\n" + after
    return Task(raw["task_id"], raw["prompt"], after, solution, raw["test"], raw["entry_point"])


def passes(program: str) -> bool:
    """Whether a program runs to its end within the limits.

    It must print a secret at the very end: a fill that leaves early with exit code 0 fails.
    """
    secret = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="parafill-eval-") as folder:
        source = Path(folder) / "program.py"
        source.write_text(program + f"\nprint({secret!r})\n", encoding="utf-8", errors="replace")
        process = subprocess.Popen(
            [sys.executable, "-I", str(source)],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=_limit,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=TIME_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            output = b""
        finally:
            # The whole session: a program may have started others.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode == 0 and output.strip().endswith(secret.encode())


def judge(programs: Sequence[str], workers: int = 2) -> list[bool]:
    """`passes` for many programs, a few at a time, each different program once."""
    different = sorted(set(programs))
    with ThreadPoolExecutor(max_workers=workers) as pool:
        verdicts = dict(zip(different, pool.map(passes, different), strict=True))
    return [verdicts[program] for program in programs]


def score(tasks: Sequence[Task], answers: Mapping[str, Answer], k: int) -> dict:
    """Rates over all tasks; an error of the engine counts as a wrong fill.

    `pass1` judges the best-ranked fill. `anyOfK` asks whether any of k drawn fills passes, which
    is pass@k for exactly k samples; equal fills, which the engine drops, cannot change it.
    """
    programs: list[str] = []
    owners: list[int] = []
    for number, task in enumerate(tasks):
        for fills in answers[task.id].fills[:k]:
            programs.append(task.program(fills[0]))
            owners.append(number)
    verdicts: list[list[bool]] = [[] for _ in tasks]
    for owner, verdict in zip(owners, judge(programs), strict=True):
        verdicts[owner].append(verdict)
    found = [answers[task.id] for task in tasks]
    result: dict = {
        "tasks": len(tasks),
        "pass1": mean([float(bool(row) and row[0]) for row in verdicts]),
        "exact": mean([float(a.error is None and a.best == t.solution) for t, a in zip(tasks, found, strict=True)]),
        "medianMs": median([answer.total_ms for answer in found]),
        "errors": sum(1 for answer in found if answer.error is not None),
    }
    if k > 1:
        result["anyOfK"] = mean([float(any(row)) for row in verdicts])
        result["differentFills"] = mean([float(len(row)) for row in verdicts])
    return result


def _limit() -> None:
    """Runs in the child before the program. CPU seconds end what ignores the clock."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (TIME_LIMIT_SECONDS, TIME_LIMIT_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_LIMIT_BYTES, OUTPUT_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

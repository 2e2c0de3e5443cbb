"""HumanEval-Infilling: a fill counts when the program passes its tests.

The benchmark's files are given by path and never committed (openai/human-eval-infilling, MIT).
Programs contain text written by a model: each runs in a process of its own with limits on time,
memory and output, and (but for root, whom no such limit binds) may start no other process. There is no
network namespace; run it where that does not matter.

A single-line hole is a whole line with its line end. The engine fills at a cursor, which in an
editor always has the line end to its right, so the request keeps that line end in the text after
the hole and the program gets it back. The random-span split is asked exactly as published.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import random
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from parafill.opening import fill_length
from parafill.tokenizer import CodeTokenizer
from tasks.engine import Answer
from tasks.metrics import median, pass_at_k

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

    def request(self, tokenizer: CodeTokenizer | None = None, heals: bool = False) -> dict:
        """The engine's request; with a tokenizer the true length in tokens is told."""
        request: dict = {"id": self.id, "language": "python", "segments": [self.before, self.after]}
        if tokenizer is not None:
            request["lengths"] = [fill_length(tokenizer, self.before, self.solution, heals)]
        return request

    def program(self, fill: str) -> str:
        """The filled program followed by its tests."""
        return f"{self.before}{fill}{self.after}\n{self.test}\ncheck({self.entry_point})\n"


def load_tasks(folder: Path, split: str) -> list[Task]:
    """All tasks of "single-line" or "random-span", in an order of chance that is always the same."""
    path = folder / FILES[split]
    if not path.is_file():
        raise BenchmarkMissing(f"{path}: not found; give the folder of HumanEval-Infilling files")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        tasks = [_task(json.loads(line), split) for line in lines]
    random.Random(1).shuffle(tasks)
    return tasks


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
        source, printed = Path(folder) / "program.py", Path(folder) / "printed"
        source.write_text(program + f"\nprint({secret!r})\n", encoding="utf-8", errors="replace")
        # A file and not a pipe: the limit on files holds, and endless output fills nobody's memory.
        with printed.open("wb") as out:
            process = subprocess.Popen(
                # Nothing but the standard library is needed; without site packages it starts sooner.
                [sys.executable, "-I", "-S", str(source)],
                cwd=folder,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.DEVNULL,
                preexec_fn=_limit,
                start_new_session=True,
            )
            try:
                process.wait(timeout=TIME_LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            finally:
                # The whole session, whatever it is doing.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return process.returncode == 0 and printed.read_bytes().strip().endswith(secret.encode())


class Judge:
    """`passes` for many programs, a few at a time; verdicts are kept in a file, so that nothing runs twice."""

    def __init__(self, path: Path, workers: int = 2) -> None:
        self._path, self._workers = path, workers
        self._verdicts: dict[str, bool] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
            with contextlib.suppress(ValueError):  # The last line of a run that was killed.
                name, verdict = json.loads(line)
                self._verdicts[name] = verdict

    def __call__(self, programs: Sequence[str]) -> list[bool]:
        """One verdict a program."""
        names = [hashlib.sha256(program.encode("utf-8", "replace")).hexdigest()[:24] for program in programs]
        new = {name: program for name, program in zip(names, programs, strict=True) if name not in self._verdicts}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if new:
            print(f"running {len(new)} programs", file=sys.stderr)
        with ThreadPoolExecutor(max_workers=self._workers) as pool, self._path.open("a", encoding="utf-8") as out:
            for name, verdict in zip(new, pool.map(passes, new.values()), strict=True):
                self._verdicts[name] = verdict
                out.write(json.dumps([name, verdict]) + "\n")
        return [self._verdicts[name] for name in names]


@dataclass(frozen=True)
class Score:
    """What became of all tasks: one value a task. An error of the engine counts as a wrong fill."""

    #: 1 where the best-ranked fill passes.
    best: list[float]
    #: 1 where it is the published solution to the letter.
    exact: list[float]
    #: How many of the draws pass; see Answer.draws.
    right: list[int]
    errors: int
    #: Median milliseconds after the context was read.
    cached_ms: float

    def pass_at(self, k: int, draws: int) -> list[float]:
        """Unbiased estimates of pass@k, one a task, of so many draws each; draws that came to nothing are wrong."""
        return [pass_at_k(draws, right, k) for right in self.right]


def score(tasks: Sequence[Task], answers: Sequence[Answer], judge: Callable[[Sequence[str]], list[bool]]) -> Score:
    """Runs the programs that the answers make of their tasks."""
    programs = [task.program(fills[0]) for task, answer in zip(tasks, answers, strict=True) for fills in answer.fills]
    verdicts = iter(judge(programs))
    rows = [[next(verdicts) for _ in answer.fills] for answer in answers]
    return Score(
        best=[float(bool(row) and row[0]) for row in rows],
        exact=[float(a.error is None and a.best == t.solution) for t, a in zip(tasks, answers, strict=True)],
        right=[
            sum(times for times, passed in zip(answer.draws or [1] * len(row), row, strict=True) if passed)
            for answer, row in zip(answers, rows, strict=True)
        ],
        errors=sum(answer.error is not None for answer in answers),
        cached_ms=median([answer.total_ms - answer.encode_ms for answer in answers]),
    )


def _limit() -> None:
    """Runs in the child before the program. CPU seconds end what ignores the clock."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (TIME_LIMIT_SECONDS, TIME_LIMIT_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_LIMIT_BYTES, OUTPUT_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))

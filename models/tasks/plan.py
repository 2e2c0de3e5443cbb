"""What a report asks of whom: every series is one model that answers one set of items in one way.

Items are in an order of chance, so that the first n of a set are a fair sample. A model is asked about an item in all
ways one after the other: its context is read once, and what else the machine does hits all ways alike. Models take
turns, a few items at a time, so that an evaluation that is out of time ends with the same items for everybody.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from tasks.answers import AnswerBook
from tasks.engine import Answer
from tasks.metrics import mean
from tasks.subjects import Subject

# Items of a turn; the first few tell what the rest will cost.
FIRST_CHUNK, CHUNK = 5, 25

Item = TypeVar("Item")


@dataclass(frozen=True)
class Way:
    """How to decode. The names are those of the engine's requests; without steps the model decides."""

    mode: str = "diffusion"
    steps: int | None = None
    candidates: int = 1
    temperature: float = 0.0
    seed: int = 1

    def of(self, request: dict) -> dict:
        """The request, asked in this way."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        return {**request, **said}


@dataclass(frozen=True)
class Series(Generic[Item]):
    """`requests[i]` asks `items[i]` in its way; `is_told` when the requests tell the true length."""

    subject: Subject
    task: str
    way: Way
    is_told: bool
    items: Sequence[Item]
    requests: Sequence[dict]

    @property
    def is_drawn(self) -> bool:
        return self.way.temperature > 0

    @property
    def label(self) -> str:
        """How tables call it."""
        if self.way.mode == "ar":
            return f"{self.subject.label}, autoregressive"
        steps = f"{self.subject.label}, {self.way.steps} step{'' if self.way.steps == 1 else 's'}"
        twin = " and the AR twin's paths" if self.way.mode == "both" else ""
        return steps + twin + (", true length given" if self.is_told else "")


@dataclass(frozen=True)
class Found(Generic[Item]):
    """A series and the answers to its first items."""

    series: Series[Item]
    answers: list[Answer]

    @property
    def items(self) -> Sequence[Item]:
        return self.series.items[: len(self.answers)]


class Findings:
    """All that was found, to be looked up by what was asked."""

    def __init__(self, found: Sequence[Found]) -> None:
        self._found = [one for one in found if one.answers]

    def of(
        self,
        task: str,
        *,
        role: str | None = None,
        mode: str | None = None,
        steps: int | None = None,
        is_told: bool | None = False,
        is_drawn: bool = False,
    ) -> list[Found]:
        """All that fit, in the order of the plan; None fits everything."""
        return [
            one
            for one in self._found
            if one.series.task == task
            and role in (None, one.series.subject.role)
            and mode in (None, one.series.way.mode)
            and steps in (None, one.series.way.steps)
            and is_told in (None, one.series.is_told)
            and one.series.is_drawn == is_drawn
        ]


def carry_out(plan: Sequence[Series], book: AnswerBook, minutes: float | None = None) -> Findings:
    """Asks all series, or as much as there is time for; says on standard error what it will take."""
    begun = time.monotonic()
    longest = max((len(series.items) for series in plan), default=0)
    subjects = list(dict.fromkeys(series.subject for series in plan))
    start, size = 0, FIRST_CHUNK
    while start < longest:
        end = start + size
        for subject in subjects:
            own = [series.requests for series in plan if series.subject == subject]
            requests = [r for i in range(start, end) for series in own for r in series[i : i + 1]]
            is_known = None not in book.known(subject.folder, requests)
            if minutes is not None and start > 0 and not is_known and time.monotonic() - begun > 60 * minutes:
                print(f"out of time: the report is about the first {start} items", file=sys.stderr)
                return _collect(plan, book, start)
            book.ask(subject.folder, requests, f"{subject.label}, items {start + 1}-{min(end, longest)} of {longest}")
        start, size = end, CHUNK
        if start < longest:
            _announce(plan, book, start)
    return _collect(plan, book, longest)


def _announce(plan: Sequence[Series], book: AnswerBook, start: int) -> None:
    seconds, missing = 0.0, 0
    for series in plan:
        known = book.known(series.subject.folder, series.requests)
        spent = [answer.total_ms for answer in known[:start] if answer is not None]
        left = sum(answer is None for answer in known[start:])
        seconds += left * mean(spent) / 1000 if left else 0
        missing += left
    print(f"{missing} requests to go, about {seconds / 60:.1f} minutes", file=sys.stderr)


def _collect(plan: Sequence[Series], book: AnswerBook, count: int) -> Findings:
    found = []
    for series in plan:
        answers = book.known(series.subject.folder, series.requests[:count])
        # Whatever was asked was answered, if only with an error.
        found.append(Found(series, [answer for answer in answers if answer is not None]))
        assert len(found[-1].answers) == len(answers), series.label
    return Findings(found)

"""Logs of training that travel with a model: thinned, so that they stay small, and read back for tables and plots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

#: Lines of steps that are kept of one log, about; lines of events (start, validation, end of a round) all are.
KEPT_LINES = 200


def keep_logs(logs: Sequence[Path], folder: Path) -> None:
    """Writes `folder`/1-pretrain.jsonl, … in the order of training, in place of what was there."""
    thinned = [(log, thin(read_log(log))) for log in logs]
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jsonl"):
        old.unlink()
    for number, (log, lines) in enumerate(thinned, 1):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{number}-{log.stem}.jsonl").write_text(text, encoding="utf-8")


def read_log(path: Path) -> list[dict]:
    """The lines of a log. A last line that was cut off (the run was killed) is left out."""
    lines = []
    texts = path.read_text(encoding="utf-8").splitlines()
    for number, text in enumerate(texts, 1):
        try:
            lines.append(json.loads(text))
        except ValueError as error:
            if number < len(texts):
                raise ValueError(f"{path}:{number}: expected a JSON object, found {text[:80]!r}") from error
    return lines


def thin(lines: Sequence[dict], kept: int = KEPT_LINES) -> list[dict]:
    """Neighbouring lines of steps as one: losses and other fractions are averaged, counters are the last ones."""
    steps = sum("event" not in line for line in lines)
    size = max(1, -(-steps // kept))
    thinned: list[dict] = []
    group: list[dict] = []
    for line in [*lines, {"event": None}]:
        is_event = "event" in line
        # What is averaged belongs together: a round of distillation, and what no event parts.
        is_other = bool(group) and line.get("round") != group[0].get("round")
        if group and (is_event or is_other or len(group) == size):
            thinned.append(_average(group))
            group = []
        if not is_event:
            group.append(line)
        elif line["event"] is not None:
            thinned.append(line)
    return thinned


def _average(group: Sequence[dict]) -> dict:
    merged = dict(group[-1])
    for key, value in merged.items():
        if isinstance(value, float):
            merged[key] = round(sum(line.get(key, value) for line in group) / len(group), 4)
    return merged

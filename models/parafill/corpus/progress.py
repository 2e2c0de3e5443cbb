"""How far a stage is, for someone who watches a terminal or reads a log."""

from __future__ import annotations

import sys
import time


class Progress:
    """One line that is rewritten on a terminal, and an occasional line in a log file."""

    def __init__(self, stage: str, total: int, done: int = 0) -> None:
        self._stage, self._total = stage, total
        self._started = self._shown = time.monotonic()
        self.at(done, "")

    def at(self, done: int, what: str) -> None:
        """Shows progress, at most a few times a second (or every 10 s in a log)."""
        now = time.monotonic()
        tty = sys.stderr.isatty()
        if now - self._shown < (0.2 if tty else 10) and done != self._total:
            return
        self._shown = now
        of = f"/{self._total}" if self._total else ""
        line = f"{self._stage}: {done:,}{of}  {now - self._started:.0f} s  {what}"
        sys.stderr.write(f"\r{line[:110]:<110}" if tty else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leaves the last line standing."""
        if sys.stderr.isatty():
            sys.stderr.write("\n")

"""The chapter about training: what its logs say, where they were kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from parafill.training_log import read_log
from tasks.metrics import markdown_table

FOLDER = "training"
MISSING = (
    "The logs of this model's training were not kept, so there are no loss curves. "
    "`scripts/export.py --logs` keeps those of the next one."
)


@dataclass(frozen=True)
class Stage:
    """One log: a part of pretraining, or distillation."""

    name: str
    lines: list[dict]

    def steps(self) -> list[dict]:
        """Lines of training batches."""
        return [line for line in self.lines if "event" not in line]

    def validations(self) -> list[dict]:
        return [line for line in self.lines if line.get("event") == "validation"]

    def rounds(self) -> list[dict]:
        return [line for line in self.lines if line.get("event") == "round"]

    @property
    def is_distillation(self) -> bool:
        return any("divergence" in line for line in self.lines)


def stages_of(model: Path) -> list[Stage]:
    """The logs in a model's folder, in the order of training; none where they were not kept."""
    return [Stage(path.stem, read_log(path)) for path in sorted((model / FOLDER).glob("*.jsonl"))]


def training_chapter(stages: list[Stage]) -> str:
    """One line a stage, and the losses on validation batches."""
    if not stages:
        return f"## Training\n\n{MISSING}"
    parts = ["## Training", "From the thinned logs in [`training/`](training/); losses in nats a token."]
    rows = []
    for stage in stages:
        last = (stage.steps() or [{}])[-1]
        seconds = sum(line.get("seconds", 0) for line in stage.rounds()) or max(
            (line.get("seconds", 0) for line in stage.lines), default=0
        )
        rows.append(
            [
                stage.name,
                str(last.get("step", sum(line.get("updates", 0) for line in stage.rounds()) or "-")),
                f"{last['positions'] / 1e6:.1f}" if "positions" in last else "-",
                f"{seconds / 60:.1f}",
                f"{last['rate']:,}" if "rate" in last else "-",
                f"{100 * last['mfu']:.0f} % of {last['peak']} FLOP/s" if "mfu" in last else "-",
            ]
        )
    header = ["stage", "updates", "million positions", "minutes", "positions/s at the end", "utilisation at the end"]
    parts.append(markdown_table(header, rows))
    measured = [(stage.name, line) for stage in stages for line in stage.validations()]
    if measured:
        rows = [[name, str(line["step"]), f"{line['causal']:.3f}", f"{line['masked']:.3f}"] for name, line in measured]
        parts.append(markdown_table(["validation", "step", "causal", "masked"], rows))
    distilled = [line for stage in stages if stage.is_distillation for line in stage.steps()]
    if distilled:
        last = {line["round"]: line for line in distilled}
        rows = [
            [str(number), str(line["updates"]), f"{line['divergence']:.3f}", f"{line['entropy']:.2f}"]
            for number, line in last.items()
        ]
        parts.append(markdown_table(["round", "updates at the last line", "divergence", "entropy, nats"], rows))
    return "\n\n".join(parts)

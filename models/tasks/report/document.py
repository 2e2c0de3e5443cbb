"""Puts the chapters together and writes EVALUATION.md with its plots."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from parafill.corpus.shards import sha256_of
from parafill.export import processor_model
from parafill.tokenizer import CodeTokenizer
from tasks.package_report import Run
from tasks.plan import Findings
from tasks.report.card import card_chapter
from tasks.report.distillation import calibration_chapter, distillation_chapter, diversity_chapter
from tasks.report.gates import gates_chapter
from tasks.report.joint import joint_chapter
from tasks.report.packages import length_chapter, packages_chapter
from tasks.report.plots import write_plots
from tasks.report.programs import Judge, programs_chapter
from tasks.report.questions import PACKAGES, Scope
from tasks.report.training import stages_of, training_chapter
from tasks.subjects import Subject

REPORT, PLOTS = "EVALUATION.md", "evaluation"


@dataclass(frozen=True)
class Sources:
    """Where a report's figures come from. `mark` and `bigram` belong to package holes and are absent without them."""

    subjects: list[Subject]
    tokenizer: CodeTokenizer
    engine: str
    command: str
    corpus: Path
    mark: str | None = None
    bigram: Run | None = None


def write_report(out: Path, findings: Findings, scope: Scope, sources: Sources, judge: Judge) -> Path:
    """Writes `out`/EVALUATION.md and `out`/evaluation/*.svg, and returns the former."""
    shipped = sources.subjects[0]
    stages = stages_of(shipped.folder)
    plots = write_plots(out / PLOTS, findings, scope, stages, judge)

    def picture(name: str, says: str) -> str:
        return f"![{says}]({PLOTS}/{plots[name].name})" if name in plots else ""

    has_packages = bool(findings.of(PACKAGES))
    chapters = [
        f"# Evaluation of {shipped.manifest['name']} {shipped.manifest['version']}",
        _origin(sources),
        gates_chapter(findings, scope, sources.tokenizer, sources.bigram, judge),
        picture("quality-by-steps", "Quality against the cap of steps, with 95 % intervals"),
        picture("quality-by-milliseconds", "Exact match against milliseconds, beside the AR twin"),
        programs_chapter(findings, scope, judge),
    ]
    if has_packages and sources.mark and sources.bigram:
        chapters += [
            packages_chapter(findings, scope, sources.mark, sources.bigram),
            joint_chapter(findings),
            length_chapter(findings, scope),
            distillation_chapter(findings, scope),
            diversity_chapter(findings, scope, sources.tokenizer),
            calibration_chapter(findings, scope),
            picture("calibration", "What was claimed against what came true"),
        ]
    chapters += [
        training_chapter(stages),
        picture("losses", "Losses of training"),
        card_chapter(shipped, sources.corpus),
    ]
    path = out / REPORT
    path.write_text("\n\n".join(chapter for chapter in chapters if chapter) + "\n", encoding="utf-8")
    return path


def _origin(sources: Sources) -> str:
    lines = [
        f"Made by `{sources.command}` (run in `models/`; do not edit). Every answer came through the exported int8 "
        f"graph and the TypeScript engine (build `{sources.engine}`) on {os.cpu_count()} cores of {processor_model()}. "
        "Intervals in brackets are 95 % (Wilson's score interval for rates). Errors of the engine count as wrong.",
        "",
    ]
    for subject in sources.subjects:
        stage = subject.manifest.get("training", {}).get("stage", "unknown stage")
        lines.append(
            f"- {subject.label}: {stage}, `model.onnx` sha256 `{sha256_of(subject.folder / 'model.onnx')[:16]}…`"
        )
    return "\n".join(lines)

"""The chapter that comes first: what the design asks of a model that ships, and whether this one gives it."""

from __future__ import annotations

from collections.abc import Sequence

from parafill.tokenizer import CodeTokenizer
from tasks import human_eval_infilling as human_eval
from tasks.diversity import TOLERANCE, diversity
from tasks.metrics import difference, difference_cell, markdown_table, mean, rate_cell
from tasks.package_report import Run
from tasks.plan import Findings, Found
from tasks.report.packages import run_of
from tasks.report.programs import Judge
from tasks.report.questions import PACKAGES, Scope

SINGLE_LINE = "single-line"
#: Most steps of the gate on pass@1.
FEW_STEPS = 8
WANTED_CPU, WANTED_GPU, WANTED_EXACT = 0.05, 0.15, 0.2

#: What fills, and how it is said.
_READINGS = {"diffusion": "", "both": ", and the AR twin's paths, as the editor asks"}

Row = list[str]


def gates_chapter(findings: Findings, scope: Scope, tokenizer: CodeTokenizer, bigram: Run | None, judge: Judge) -> str:
    """One line a gate that something was measured for."""
    rows = [
        *_passes(findings, judge),
        *_exact(findings, scope, bigram),
        *_teacher(findings, scope),
        *_diversity(findings, scope, tokenizer),
    ]
    table = markdown_table(["asked", "wanted", "found", "holds"], rows)
    return f"## What is asked of a model that ships\n\n{table}" if rows else ""


def _passes(findings: Findings, judge: Judge) -> list[Row]:
    return [row for mode in _READINGS for row in _passes_of(findings, judge, mode)]


def _passes_of(findings: Findings, judge: Judge, mode: str) -> list[Row]:
    found = [one for one in findings.of(SINGLE_LINE, role="student", mode=mode) if _steps(one) <= FEW_STEPS]
    if not found:
        return []
    found.sort(key=_steps)
    best = _best(found[-1], judge)
    name = f"HumanEval-Infilling single-line, pass@1, {_steps(found[-1])} steps{_READINGS[mode]}, no true length"
    rows = [
        [name, f"≥ {100 * wanted:.0f} % ({how})", rate_cell(best), _verdict(mean(best) >= wanted)]
        for wanted, how in ((WANTED_CPU, "CPU alone"), (WANTED_GPU, "one GPU run"))
    ]
    if mode != "diffusion":
        return rows
    for twin in findings.of(SINGLE_LINE, role="student", mode="ar"):
        theirs = _best(twin, judge)
        gap = f"{difference_cell(best, theirs)} points; twin {rate_cell(theirs)}"
        rows.append(["pass@1 minus that of the AR twin", "≥ 0", gap, _verdict(mean(best) >= mean(theirs))])
    return rows


def _exact(findings: Findings, scope: Scope, bigram: Run | None) -> list[Row]:
    rows = []
    asked = [
        (found, reading)
        for mode, reading in _READINGS.items()
        for found in findings.of(PACKAGES, role="student", mode=mode, steps=scope.main_steps)
    ]
    for found, reading in asked:
        run = run_of(found)
        short = run.short_exact
        told = Run("", True, bigram.results[: len(run.results)]).short_exact if bigram else []
        beside = f"; bigram that is told the length {rate_cell(told)}" if told else ""
        name = f"exact match on package holes of at most 8 tokens, {scope.main_steps} steps{reading}, n={len(short)}"
        rows.append(
            [name, f"≥ {100 * WANTED_EXACT:.0f} %", rate_cell(short) + beside, _verdict(mean(short) >= WANTED_EXACT)]
        )
    return rows


def _teacher(findings: Findings, scope: Scope) -> list[Row]:
    students = findings.of(PACKAGES, role="student", mode="diffusion", steps=scope.main_steps)
    teachers = findings.of(PACKAGES, role="teacher", mode="diffusion", steps=max(scope.steps))
    if not students or not teachers:
        return []
    ours, theirs = run_of(students[0]), run_of(teachers[0])
    name = f"student at {scope.main_steps} steps minus teacher at {max(scope.steps)}"
    rows = []
    for measure, own, other in (
        ("exact match", ours.exact, theirs.exact),
        ("edit similarity", ours.similarity, theirs.similarity),
    ):
        _, _, high = difference(own, other)
        rows.append([f"{name}, {measure}", "not below 0", f"{difference_cell(own, other)} points", _verdict(high >= 0)])
    return rows


def _diversity(findings: Findings, scope: Scope, tokenizer: CodeTokenizer) -> list[Row]:
    rows = []
    for steps in scope.draw_steps:
        students = findings.of(PACKAGES, role="student", steps=steps, is_drawn=True)
        teachers = findings.of(PACKAGES, role="teacher", steps=steps, is_drawn=True)
        if students and teachers:
            ratios = diversity(students[0].answers, tokenizer).ratios(diversity(teachers[0].answers, tokenizer))
            shares = f"{100 * ratios[0]:.0f} % and {100 * ratios[1]:.0f} %"
            name = f"distinct-of-{scope.samples} and entropy of draws in {steps} steps, share of the teacher's"
            wanted = f"{100 - 100 * TOLERANCE:.0f}-{100 + 100 * TOLERANCE:.0f} %"
            rows.append([name, wanted, shares, _verdict(all(abs(ratio - 1) <= TOLERANCE for ratio in ratios))])
    return rows


def _best(found: Found, judge: Judge) -> Sequence[float]:
    return human_eval.score(found.items, found.answers, judge).best


def _steps(found: Found) -> int:
    return found.series.way.steps or 0


def _verdict(holds: bool) -> str:
    return "yes" if holds else "**no**"

"""The chapters about the teacher and its students: steps, diversity, calibration."""

from __future__ import annotations

from parafill.tokenizer import CodeTokenizer
from tasks.calibration import calibration_table
from tasks.diversity import TOLERANCE, Diversity, diversity
from tasks.metrics import Z95, difference_cell, markdown_table, mean
from tasks.plan import Findings, Found
from tasks.report.packages import run_of
from tasks.report.questions import PACKAGES, Scope

NO_TEACHER = "The teacher was not given (`--teacher`), so that nothing can be said about what distillation changed."


def distillation_chapter(findings: Findings, scope: Scope) -> str:
    """Student at k steps against teacher at 2k, 4k, … steps, in exact match and similarity."""
    parts = ["## Distillation: the student at k steps against its teacher at more"]
    teachers = findings.of(PACKAGES, role="teacher", mode="diffusion")
    if not teachers:
        return "\n\n".join([*parts, NO_TEACHER])
    students = findings.of(PACKAGES, role="student", mode="diffusion")
    parts.append(
        f"Points by which the student is better on the same {len(students[0].answers)} package holes, with 95 % "
        "intervals of paired differences: exact match, then edit similarity. An interval that holds 0 is noise."
    )
    header = ["student", *(f"teacher, {found.series.way.steps}" for found in teachers)]
    for measure in ("exact", "similarity"):
        rows = []
        for student in students:
            own = getattr(run_of(student), measure)
            cells = [
                difference_cell(own, getattr(run_of(teacher), measure)) if _steps(teacher) >= _steps(student) else ""
                for teacher in teachers
            ]
            rows.append([f"{_steps(student)} steps", *cells])
        parts.append(markdown_table([f"{header[0]}: {measure}", *header[1:]], rows))
    return "\n\n".join(parts)


def diversity_chapter(findings: Findings, scope: Scope, tokenizer: CodeTokenizer) -> str:
    """Distinct-of-n and entropy of draws, and their share of the teacher's."""
    drawn = findings.of(PACKAGES, is_drawn=True)
    if not drawn:
        return ""
    figures = [diversity(found.answers, tokenizer) for found in drawn]
    rows = []
    for found, own in zip(drawn, figures, strict=True):
        rows.append(
            [
                found.series.label,
                str(len(own.entropy)),
                _mean_cell(own.different),
                _mean_cell(own.entropy),
                *_shares(found, own, drawn, figures),
            ]
        )
    header = [
        f"{scope.samples} draws at temperature {scope.temperature:g}", "n", f"different of {scope.samples}",
        "entropy of their tokens, nats", "different, share of the teacher's", "entropy, share of the teacher's",
    ]  # fmt: skip
    note = f"Shares are of the teacher at the same steps; beyond ±{100 * TOLERANCE:.0f} % distillation changed them."
    return "\n\n".join(["## Diversity of draws", note, markdown_table(header, rows)])


def calibration_chapter(findings: Findings, scope: Scope) -> str:
    """What the engine claims against what came true."""
    runs = [run_of(found) for found in findings.of(PACKAGES) if _steps(found) in (0, 1, scope.main_steps)]
    return "\n\n".join(
        [
            "## Calibration",
            "Expected calibration error over ten equal intervals (Guo et al. 2017), of exact match: of the AR twin's "
            "likelihood of the whole fill, which ranks and which ghost text is cut by, and of the mean probability of "
            "tokens when they were decided, which says how sure denoising was and not that the whole is right.",
            calibration_table(runs),
        ]
    )


def _shares(found: Found, own: Diversity, drawn: list[Found], figures: list[Diversity]) -> list[str]:
    for other, theirs in zip(drawn, figures, strict=True):
        same = other.series.subject.role == "teacher" and _steps(other) == _steps(found)
        if same and other is not found:
            return [f"{100 * share:.0f} %" for share in own.ratios(theirs)]
    return ["-", "-"]


def _steps(found: Found) -> int:
    """0 of the AR twin."""
    return found.series.way.steps or 0


def _mean_cell(values: list[float]) -> str:
    """A mean and its 95 % interval by the normal law."""
    if len(values) < 2:
        return "-"
    middle = mean(values)
    spread = Z95 * (sum((value - middle) ** 2 for value in values) / (len(values) - 1) / len(values)) ** 0.5
    return f"{middle:.2f} (±{spread:.2f})"

"""The chapter about several holes at once."""

from __future__ import annotations

from tasks.joint_holes import joint_results
from tasks.metrics import markdown_table, median, rate_cell
from tasks.plan import Findings
from tasks.report.questions import JOINT


def joint_chapter(findings: Findings) -> str:
    """Exact match of what ships, by the way in which several holes are filled."""
    rows = []
    for found in findings.of(JOINT):
        results = joint_results(found.items, found.answers)
        rows.append(
            [
                found.series.label, str(len(found.items)), str(len(results.exact)), rate_cell(results.exact),
                rate_cell(results.similarity), rate_cell(results.whole), rate_cell(results.parses),
                f"{median(results.ms):.0f}", str(results.errors),
            ]
        )  # fmt: skip
    if not rows:
        return ""
    header = [
        "run", "files", "holes", "exact, a hole", "edit similarity", "exact, all of a file", "parses", "ms, all in all",
        "errors",
    ]  # fmt: skip
    return (
        "## Several holes at once\n\nTwo to four holes of at most 12 tokens within 1,200 characters of files of the "
        "test packages. Denoised jointly, they are decided in the same steps; the AR twin fills one after the other; "
        "with the twin's paths, as the editor asks, they are filled jointly and then each alone, the others as text. "
        "The first way reads the context for all.\n\n" + markdown_table(header, rows)
    )

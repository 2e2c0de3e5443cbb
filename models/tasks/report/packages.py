"""The chapter about holes in test packages."""

from __future__ import annotations

from tasks.metrics import difference_cell, markdown_table, median
from tasks.package_holes import PackageHole
from tasks.package_report import Run, breakdown_table, overall_table, results_of
from tasks.plan import Findings, Found
from tasks.report.questions import FILES, PACKAGES, Scope
from tasks.sure import sure_table
from tasks.workspace import gain_table

BREAKDOWNS = (
    ("hole length in tokens", lambda hole: hole.bucket),
    ("kind of hole", lambda hole: hole.kind),
    ("language", lambda hole: hole.language),
)


def run_of(found: Found[PackageHole]) -> Run:
    """The holes and what came back for them."""
    answers = {hole.id: answer for hole, answer in zip(found.items, found.answers, strict=True)}
    return Run(found.series.label, found.series.is_told, results_of(list(found.items), answers))


def packages_chapter(findings: Findings, scope: Scope, mark: str, bigram: Run) -> str:
    """Tables of exact match, similarity and parse rate: overall, and of what ships by length, kind and language."""
    runs = [run_of(found) for found in findings.of(PACKAGES)]
    count = len(runs[0].results)
    parts = [
        "## Holes in test packages",
        f"{count} holes in packages the model never saw (hole set `{mark}`). Exact match is of every character; "
        "parse rate is of files whose language has a grammar. `ms` are medians of what the engine takes once the "
        f"context is read, as while typing; reading one took {_encode_ms(findings):.0f} ms in the median. A hole was "
        "asked in all ways one after the other on a machine that did other work, too: ratios hold better than values.",
        overall_table([Run(bigram.label, True, bigram.results[:count]), *runs]),
        "The bigram table writes the likeliest token after each token. It cannot end a hole and is told the length.",
    ]
    shipped = findings.of(PACKAGES, role="student", mode="diffusion", steps=scope.main_steps)
    if shipped:
        run = run_of(shipped[0])
        for beside in findings.of(FILES):
            parts += ["### With other files of the package", gain_table([(run, run_of(beside))])]
        rivals = [run_of(found) for found in _rivals(findings, scope)]
        for title, key in BREAKDOWNS:
            parts += [f"### {run.label}, by {title}", breakdown_table(run, rivals, title, key)]
        if any(result.beginnings for result in run.results):
            parts += [
                f"### Ghost text nobody asked for, {run.label}",
                "What the server shows where the likelihood of a beginning has to reach a level (the level in use is "
                "in `inlineCompleter.ts`), of holes that reach to the end of their line.",
                sure_table(run),
            ]
    return "\n\n".join(parts)


def length_chapter(findings: Findings, scope: Scope) -> str:
    """What not knowing the length costs."""
    rows = []
    for steps in scope.steps:
        unknown = findings.of(PACKAGES, role="student", mode="diffusion", steps=steps)
        told = findings.of(PACKAGES, role="student", mode="diffusion", steps=steps, is_told=True)
        if unknown and told:
            ours, theirs = run_of(unknown[0]), run_of(told[0])
            rows.append(
                [
                    str(steps),
                    str(len(ours.results)),
                    difference_cell(ours.exact, theirs.exact),
                    difference_cell(ours.similarity, theirs.similarity),
                ]
            )
    if not rows:
        return ""
    header = ["steps", "n", "exact match, points", "edit similarity, points"]
    return (
        "## What not knowing the length costs\n\nPackage holes without the true length minus the same holes with it: "
        "points, and 95 % intervals of paired differences.\n\n" + markdown_table(header, rows)
    )


def _encode_ms(findings: Findings) -> float:
    """Median milliseconds of the requests that were the first ones about their holes."""
    first = [[answer.encode_ms for answer in found.answers] for found in findings.of(PACKAGES, role="student")]
    return median([max(times) for times in zip(*first, strict=True)])


def _rivals(findings: Findings, scope: Scope) -> list[Found]:
    """Whom the breakdowns put beside what ships: its AR twin and its teacher."""
    return [
        *findings.of(PACKAGES, role="student", mode="ar"),
        *findings.of(PACKAGES, role="teacher", mode="diffusion", steps=max(scope.steps)),
    ]

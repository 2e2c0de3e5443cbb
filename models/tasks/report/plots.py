"""The plots beside EVALUATION.md, as small SVG files that are the same for the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from tasks import human_eval_infilling as human_eval
from tasks.calibration import claims_of, judged, reliability
from tasks.metrics import mean, wilson
from tasks.plan import Findings, Found
from tasks.report.packages import run_of
from tasks.report.programs import Judge
from tasks.report.questions import PACKAGES, Scope
from tasks.report.training import Stage

# Okabe and Ito's colours, which people of any colour vision tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.hashsalt": "parafill",
    "savefig.facecolor": "white",
    "axes.prop_cycle": plt.cycler(color=COLOURS),
}

#: What other modes than denoising alone are called, and how their points look.
OTHER_READINGS = {"ar": ("autoregressive", "s"), "both": ("and the AR twin's path", "D")}

#: (x, values between 0 and 1) of one line of a plot.
Points = Sequence[tuple[float, Sequence[float]]]


def write_plots(
    folder: Path, findings: Findings, scope: Scope, stages: Sequence[Stage], judge: Judge, suffix: str = "svg"
) -> dict[str, Path]:
    """Every plot there are figures for, by name, in place of what was in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"*.{suffix}"):
        old.unlink()
    plots = {
        "quality-by-steps": by_steps(findings, judge),
        "quality-by-milliseconds": by_milliseconds(findings),
        "calibration": calibration(findings, scope),
        "losses": losses(stages),
    }
    written = {}
    for name, figure in plots.items():
        if figure is None:
            continue
        written[name] = folder / f"{name}.{suffix}"
        with plt.rc_context(STYLE):
            figure.savefig(written[name], metadata={"Date": None} if suffix == "svg" else None)
        plt.close(figure)
    return written


def by_steps(findings: Findings, judge: Judge) -> Figure | None:
    """Exact match and similarity on package holes, and pass@1, against the cap of steps; AR twins are level lines."""
    packages = findings.of(PACKAGES, is_told=None)
    splits = [split for split in human_eval.FILES if findings.of(split)]
    panels = (["exact match", "edit similarity"] if packages else []) + [f"pass@1, {split}" for split in splits]
    if not panels:
        return None
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(panels), figsize=(3.4 * len(panels), 3.3), squeeze=False)
        panel = iter(axes[0])
        if packages:
            _panel(next(panel), packages, lambda found: run_of(found).exact, "exact match, package holes")
            _panel(next(panel), packages, lambda found: run_of(found).similarity, "edit similarity, package holes")
        for split in splits:

            def passed(found: Found) -> Sequence[float]:
                return human_eval.score(found.items, found.answers, judge).best

            _panel(next(panel), findings.of(split, is_told=None), passed, f"pass@1, HumanEval {split}")
        handles, labels = axes[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper center", ncol=min(4, len(labels)))
        figure.tight_layout(rect=(0, 0, 1, 1 - 0.07 * -(-len(labels) // 4)))
    return figure


def by_milliseconds(findings: Findings) -> Figure | None:
    """Exact match against the median time of an answer once the context was read; every point is a cap of steps."""
    packages = findings.of(PACKAGES)
    if not packages:
        return None
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(5.4, 3.6))
        for colour, subject in zip(COLOURS * 3, _subjects(packages), strict=False):
            runs = [(found, run_of(found)) for found in packages if found.series.subject == subject]
            diffusion = [
                (run.cached_ms, run.exact, found.series.way.steps)
                for found, run in runs
                if found.series.way.mode == "diffusion"
            ]
            _line(axis, [(ms, exact) for ms, exact, _ in diffusion], subject.label, colour)
            for ms, exact, steps in diffusion:
                axis.annotate(str(steps), (ms, mean(exact)), textcoords="offset points", xytext=(4, 5), color=colour)
            for mode, (name, marker) in OTHER_READINGS.items():
                own = [(run.cached_ms, run.exact) for found, run in runs if found.series.way.mode == mode]
                _line(axis, own, f"{subject.label}, {name}", colour, marker)
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:.0f}")
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel("median ms an answer, context cached")
        axis.set_ylabel("exact match")
        _per_cent(axis)
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2)
        figure.tight_layout()
    return figure


def calibration(findings: Findings, scope: Scope) -> Figure | None:
    """What was claimed against what came true; points are sized by their answers."""
    found = findings.of(PACKAGES, role="student", mode="diffusion", steps=scope.main_steps)
    answered, hits = judged(run_of(found[0])) if found else ([], [])
    if not answered:
        return None
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(3.8, 3.6))
        axis.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=":")
        for colour, name in zip(COLOURS, claims_of(answered[0]), strict=False):
            bins = reliability([claims_of(result)[name] for result in answered], hits)
            claimed, right, counts = zip(*bins, strict=True)
            axis.plot(claimed, right, color=colour, linewidth=1, label=name)
            axis.scatter(claimed, right, s=[8 + 120 * n / len(answered) for n in counts], color=colour)
        axis.set_xlabel("claimed")
        axis.set_ylabel("exact")
        axis.legend()
        figure.tight_layout()
    return figure


def losses(stages: Sequence[Stage]) -> Figure | None:
    """Training and validation losses of pretraining, then the divergence of each round of distillation."""
    pretraining = [stage for stage in stages if not stage.is_distillation]
    distilled = [line for stage in stages if stage.is_distillation for line in stage.steps()]
    panels = bool(pretraining) + bool(distilled)
    if panels == 0:
        return None
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, panels, figsize=(5 * panels, 3.4), squeeze=False)
        panel = iter(axes[0])
        if pretraining:
            _losses(next(panel), pretraining)
        if distilled:
            axis = next(panel)
            for number in sorted({line["round"] for line in distilled}):
                own = [line for line in distilled if line["round"] == number]
                axis.plot(
                    [line["updates"] for line in own], [line["divergence"] for line in own], label=f"round {number}"
                )
            axis.set_xlabel("updates of the round")
            axis.set_ylabel("divergence from the teacher, nats")
            axis.legend()
        figure.tight_layout()
    return figure


def _losses(axis: Axes, stages: Sequence[Stage]) -> None:
    begun = 0.0
    for number, stage in enumerate(stages):
        for colour, kind in zip(COLOURS, ("causal", "masked"), strict=False):
            steps, measured = stage.steps(), stage.validations()
            label = None if number else kind
            axis.plot([begun + line["seconds"] / 60 for line in steps], [line[kind] for line in steps], color=colour,
                      linewidth=0.8, alpha=0.5, label=label)  # fmt: skip
            axis.plot([begun + line["seconds"] / 60 for line in measured], [line[kind] for line in measured], "o",
                      color=colour, markersize=4, label=None if number else f"{kind}, validation")  # fmt: skip
        begun += max((line.get("seconds", 0) for line in stage.lines), default=0) / 60
        if number < len(stages) - 1:
            axis.axvline(begun, color="#999999", linewidth=1, linestyle=":")
    axis.set_xlabel("minutes of pretraining")
    axis.set_ylabel("nats a token")
    axis.legend()


def _panel(axis: Axes, found: Sequence[Found], values: object, title: str) -> None:
    for colour, subject in zip(COLOURS * 3, _subjects(found), strict=False):
        for is_told, style in ((False, "-"), (True, "--")):
            own = [one for one in found if one.series.subject == subject and one.series.is_told == is_told]
            points = [(one.series.way.steps, values(one)) for one in own if one.series.way.mode == "diffusion"]  # type: ignore[operator]
            _line(axis, points, subject.label + (", true length given" if is_told else ""), colour, style=style)
            both = [(one.series.way.steps, values(one)) for one in own if one.series.way.mode == "both"]  # type: ignore[operator]
            name, marker = OTHER_READINGS["both"]
            _line(axis, both, f"{subject.label}, {name}", colour, marker)
            for one in [one for one in own if one.series.way.mode == "ar"]:
                level = mean(values(one))  # type: ignore[operator]
                axis.axhline(level, color=colour, linewidth=1, linestyle=":", label=f"{subject.label}, autoregressive")
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter("{x:.0f}")
    axis.set_xlabel("steps at most")
    axis.set_title(title, fontsize=9)
    _per_cent(axis)


def _line(axis: Axes, points: Points, label: str, colour: str, marker: str = "o", style: str = "-") -> None:
    """A line with 95 % intervals; nothing of no points."""
    if not points:
        return
    middles = [mean(values) for _, values in points]
    ends = [wilson(sum(values), len(values)) for _, values in points]
    below = [max(0, middle - low) for middle, (low, _) in zip(middles, ends, strict=True)]
    above = [max(0, high - middle) for middle, (_, high) in zip(middles, ends, strict=True)]
    axis.errorbar([x for x, _ in points], middles, yerr=[below, above], label=label, color=colour, marker=marker,
                  markersize=4, linestyle=style, linewidth=1.2, elinewidth=0.7, capsize=2)  # fmt: skip


def _subjects(found: Sequence[Found]) -> list:
    return list(dict.fromkeys(one.series.subject for one in found))


def _per_cent(axis: Axes) -> None:
    axis.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axis.set_ylim(bottom=0)

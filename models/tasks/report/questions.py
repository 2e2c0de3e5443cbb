"""What a report asks: the series of every model over package holes and HumanEval-Infilling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from parafill.tokenizer import CodeTokenizer
from tasks import human_eval_infilling as human_eval
from tasks.joint_holes import JointHoles
from tasks.package_holes import PackageHole
from tasks.plan import Series, Way
from tasks.subjects import Subject

PACKAGES = "packages"
#: The same holes, asked with other files of their packages.
FILES = "packages with files"
#: Several holes at once.
JOINT = "joint holes"


@dataclass(frozen=True)
class Scope:
    """How much is asked. Limits are items of a set, None all of them."""

    #: Caps of passes over package holes.
    steps: tuple[int, ...] = (1, 2, 4, 8, 16, 64)
    #: Those of them that are also tried with the true length.
    told_steps: tuple[int, ...] = (1, 4, 16)
    #: Caps over HumanEval-Infilling of what ships; others take `main_steps`, the teacher also the most of `steps`.
    human_eval_steps: tuple[int, ...] = (1, 4, 8)
    #: The same where several fills are drawn.
    draw_steps: tuple[int, ...] = (1, 4)
    #: What the breakdowns are about.
    main_steps: int = 4
    samples: int = 10
    temperature: float = 0.8
    limit: int | None = None
    human_eval_limit: int | None = None
    draw_limit: int | None = 100
    #: Files with several holes.
    joint_limit: int = 100
    seed: int = 1


def series_of(
    subject: Subject,
    scope: Scope,
    tokenizer: CodeTokenizer,
    holes: Sequence[PackageHole],
    splits: Mapping[str, Sequence[human_eval.Task]],
    with_files: Callable[[Sequence[PackageHole]], list[dict]],
    joint: Sequence[JointHoles] = (),
) -> list[Series]:
    """All that one model is asked. Only what ships is also told lengths and tried at pass@k.

    `with_files` makes requests of holes that show other files; it is called for a model that knows such.
    """
    is_shipped = subject.role == "student"
    heals = subject.manifest.get("heals", False)
    base = Way(seed=scope.seed)
    draws = replace(base, candidates=scope.samples, temperature=scope.temperature)
    autoregressive = replace(base, mode="ar")
    # What the editor asks for.
    both = replace(base, mode="both", steps=scope.main_steps)
    plan: list[Series] = []

    def ask_holes(way: Way, is_told: bool, limit: int | None) -> None:
        requests = [way.of(hole.request(is_told)) for hole in holes[:limit]]
        plan.append(Series(subject, PACKAGES, way, is_told, holes[:limit], requests))

    def ask_tasks(split: str, way: Way, is_told: bool, limit: int | None) -> None:
        tasks = splits[split][:limit]
        requests = [way.of(task.request(tokenizer if is_told else None, heals)) for task in tasks]
        plan.append(Series(subject, split, way, is_told, tasks, requests))

    for steps in scope.steps if holes else ():
        ask_holes(replace(base, steps=steps), False, scope.limit)
        if is_shipped and steps in scope.told_steps:
            ask_holes(replace(base, steps=steps), True, scope.limit)
    if holes:
        ask_holes(autoregressive, False, scope.limit)
        if is_shipped:
            ask_holes(both, False, scope.limit)
        if is_shipped and subject.manifest.get("fileShare", 0) > 0:
            way, shown = replace(base, steps=scope.main_steps), holes[: scope.limit]
            plan.append(Series(subject, FILES, way, False, shown, [way.of(r) for r in with_files(shown)]))
        for steps in scope.draw_steps:
            ask_holes(replace(draws, steps=steps), False, scope.draw_limit)
    for way in (replace(base, steps=scope.main_steps), autoregressive, both) if is_shipped and joint else ():
        plan.append(Series(subject, JOINT, way, False, joint, [way.of(item.request()) for item in joint]))
    human_eval_steps = scope.human_eval_steps if is_shipped else (scope.main_steps,)
    most = (max(scope.steps),) if subject.role == "teacher" else ()
    for split in splits:
        for steps in dict.fromkeys((*human_eval_steps, *most)):
            ask_tasks(split, replace(base, steps=steps), False, scope.human_eval_limit)
            if is_shipped:
                ask_tasks(split, replace(base, steps=steps), True, scope.human_eval_limit)
        if is_shipped:
            for way in (autoregressive, both):
                ask_tasks(split, way, False, scope.human_eval_limit)
            for is_told in (False, True):
                ask_tasks(split, replace(draws, steps=scope.main_steps), is_told, scope.draw_limit)
    return plan

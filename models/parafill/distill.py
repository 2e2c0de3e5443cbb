"""Self-distillation through time (SDTT, arXiv 2410.21035) on canvases.

The teacher takes `SUBSTEPS` ancestral steps from a noised canvas z. A token's target is the teacher's whole
log-probability vector at the sub-step that revealed it; positions still masked at the end get the vector of the last
sub-step. The student sees z once and matches the targets on all masked positions. Then the student becomes the
teacher and the step doubles: one step of the new teacher is worth two of the old one.

A step is a fraction of the hole: its n content tokens plus <eoh> (of all holes of a joint group together). From a
canvas with a share t of them masked, a teacher of step d reveals so many that t - d, then t - 2d remain masked. (The
interval matters: sub-step i starts where sub-step i - 1 ended, so each masked token is revealed with probability
d / t, then d / (t - d).)
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .batches import IGNORE, Batch, BatchSource
from .checkpoint import load_info, load_model, save_checkpoint
from .model import Transformer
from .optim import Ema, Muon, learning_rate
from .precision import mixed_precision
from .training import Budget, Clock, Log, Ranks, check_finite, pick_device, prefetch, to_device

SUBSTEPS = 2
#: A loss that is not a number is noticed after so many updates, and before the round ends.
CHECK_STEPS = 10


@dataclasses.dataclass(frozen=True)
class DistillConfig:
    """`rounds` are the teacher's step sizes, as shares of a hole; every round doubles the step."""

    budget: Budget
    rounds: tuple[float, ...] = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
    muon_rate: float = 2e-3
    adam_rate: float = 3e-4
    #: Shares of the reverse Kullback-Leibler divergence and of Jensen and Shannon's; the rest is forward.
    reverse_share: float = 0.5
    jsd_share: float = 0.0
    #: Weight of the student's entropy where its likeliest token is the text's (see `certainty`); 0 leaves it out.
    certainty_weight: float = 0.0
    #: Weight of the causal next-token loss, so that the AR twin is not forgotten.
    causal_weight: float = 0.5
    ema: float = 0.95
    seed: int = 2
    compile: bool = True
    flex: bool = False
    workers: int = 1


def step_sizes(rounds: int) -> tuple[float, ...]:
    """The teacher's steps of so many rounds: each twice the one before, the last half a hole."""
    return tuple(2.0 ** (number - rounds) for number in range(rounds))


@torch.no_grad()
def teacher_targets(
    teacher: Transformer, batch: Batch, step: float, eoh: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The teacher's SUBSTEPS steps of size `step` from the batch's noised canvases.

    Returns log-probabilities [N, vocab] for the N masked positions (in row-major order) and bool [N], False for
    positions behind an <eoh> the teacher drew: what stands there has no meaning.
    """
    lane = batch.lane
    _, past = teacher(batch.ids[:, :lane], batch.positions[:, :lane], lane)
    mask = teacher.mask_of(batch.visible, batch.group, lane)
    ids, positions = batch.ids[:, lane:].clone(), batch.positions[:, lane:]
    row, place = batch.masked_places
    share = batch.share[row, place]
    pending = torch.ones_like(share, dtype=torch.bool)
    targets: Tensor | None = None
    hazards = torch.empty(0)
    for substep in range(SUBSTEPS):
        hidden, _ = teacher(ids, positions, 0, mask, past)
        logs = F.log_softmax(teacher.logits(hidden[row, place - batch.shift]).float(), dim=-1)
        if targets is None:
            hazards = logs[:, eoh]
        # What is still masked takes this sub-step's vector; what was revealed keeps the one that revealed it.
        targets = logs if targets is None else torch.where(pending[:, None], logs, targets)
        chance = reveal_chance(share, substep, step)
        draw = torch.rand(share.shape, generator=generator, device=generator.device).to(share.device)
        revealed = pending & (draw < chance)
        ids[row, place] = torch.where(revealed, sample(logs, generator), ids[row, place])
        pending &= ~revealed
    assert targets is not None
    return with_hazards(targets, hazards, eoh), _before_end(ids, batch, eoh)[row, place]


def reveal_chance(share: Tensor, substep: int, step: float) -> Tensor:
    """How likely ancestral sub-step `substep` (from 0) of size `step` reveals what is masked then, if it began with a
    `share` float [N] of the content masked: it starts where the one before ended.
    """
    return (step / (share - substep * step).clamp(min=1e-6)).clamp(max=1.0)


def with_hazards(logs: Tensor, hazards: Tensor, eoh: int) -> Tensor:
    """Log-probabilities [N, vocab] whose `<eoh>` is replaced by `hazards` [N]; the other tokens share what is left.

    Which positions the teacher reveals gives the true length away: there are none behind it. A token revealed further
    right tells the teacher that no earlier position is the end, while the true end keeps its modest hazard, so that
    targets average to about the square of the hazard and students come to believe in ever longer holes. The length
    law is therefore that of the teacher's first look.
    """
    end = logs[:, eoh : eoh + 1].clamp(max=-1e-6)
    share = torch.log1p(-hazards.exp().clamp(max=1 - 1e-6))[:, None]
    scaled = logs - torch.log1p(-end.exp()) + share
    scaled[:, eoh] = hazards
    return scaled


def _before_end(ids: Tensor, batch: Batch, eoh: int) -> Tensor:
    """bool [B, C]: whether no earlier position of the same canvas of ids [B, C] was drawn as <eoh>."""
    drawn = (batch.canvas_targets != IGNORE) & (ids == eoh)
    place = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    far = ids.shape[1]
    first = torch.full_like(ids, far)
    slot = batch.index.clamp(min=0)
    first.scatter_reduce_(1, slot, torch.where(drawn, place, far), reduce="amin")
    return place <= first.gather(1, slot)


def sample(logs: Tensor, generator: torch.Generator) -> Tensor:
    """Draws one token a row of log-probabilities [N, vocab]: int64 [N].

    The cumulative distribution is in float64, since float32 truncates the tail and flatters.
    """
    cumulative = logs.double().exp().cumsum(dim=-1)
    u = torch.rand(len(logs), 1, generator=generator, device=generator.device, dtype=torch.float64).to(logs.device)
    # u < 1, but rounding may reach the end; nothing stands behind it.
    found = torch.searchsorted(cumulative, u * cumulative[:, -1:], right=True)[:, 0]
    return found.clamp(max=logs.shape[1] - 1)


def divergence(
    student: Tensor, target: Tensor, reverse_share: float, valid: Tensor | None = None, jsd_share: float = 0.0
) -> Tensor:
    """Mean of a mix of KL(student ‖ teacher) (the paper's default), the Jensen-Shannon divergence, and, for the rest,
    KL(teacher ‖ student), in nats.

    student, target: log-probabilities [N, vocab], float32; valid: bool [N], which rows count.
    """
    mixed = reverse_share * _kl(student, target)
    if jsd_share > 0:
        middle = torch.logaddexp(student, target) - math.log(2)
        mixed = mixed + jsd_share * (_kl(student, middle) + _kl(target, middle)) / 2
    mixed = mixed + (1 - reverse_share - jsd_share) * _kl(target, student)
    return _mean(mixed, valid)


def certainty(student: Tensor, text: Tensor, valid: Tensor) -> Tensor:
    """Mean entropy in nats of the valid rows whose likeliest token is the text's; 0 where there is none.

    dParallel (arXiv 2509.26488) lowers it, so that what is right is also sure, and can be decided at once.
    student: log-probabilities [N, vocab]; text: int64 [N]; valid: bool [N].
    """
    return _mean(-(student.exp() * student).sum(-1), valid & (student.argmax(-1) == text))


def _kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p ‖ q) of each row of log-probabilities [N, vocab]: [N]."""
    return (p.exp() * (p - q)).sum(-1)


def _mean(rows: Tensor, valid: Tensor | None) -> Tensor:
    return rows.mean() if valid is None else (rows * valid).sum() / valid.sum().clamp(min=1)


class StudentLogs(nn.Module):
    """One forward pass of the student: (causal loss, log-probabilities [N, vocab] of the masked positions)."""

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        mask = self.model.mask_of(batch.visible, batch.group, batch.lane)
        hidden, _ = self.model(batch.ids, batch.positions, batch.lane, mask)
        states = hidden.flatten(0, 1)
        targets = batch.lane_targets[batch.places(batch.lane_read)]
        causal = self.model.token_losses(states.index_select(0, batch.lane_read), targets).mean()
        logits = self.model.logits(states.index_select(0, batch.canvas_read))
        return causal, F.log_softmax(logits.float(), dim=-1)


def distill(
    start: Path,
    config: DistillConfig,
    make_source: Callable[[], BatchSource],
    folder: Path,
    eoh: int,
) -> list[Path]:
    """Runs the rounds that are not done yet; returns each round's checkpoint, the last one is the student to ship."""
    ranks = Ranks.from_environment()
    device = pick_device(ranks)
    log = Log(folder / "distill.jsonl", quiet=not ranks.first)
    done: list[Path] = []
    begun = [number for number in range(1, len(config.rounds) + 1) if not _is_done(folder, number)]
    # Rounds see different data than pretraining and than each other.
    first = 10_000_000 * min(begun, default=0)
    batches = prefetch(make_source, ranks.own(first), ranks.count, config.workers)
    clock, minutes = Clock(), config.budget.minutes
    for number, step in enumerate(config.rounds, 1):
        checkpoint = folder / f"round{number}"
        source = done[-1] if done else start
        done.append(checkpoint)
        if number not in begun:
            log.write(event="skip", round=number, reason="already there")
            continue
        torch.manual_seed(config.seed + number)
        teacher, student = load_model(source).to(device).eval(), load_model(source).to(device)
        if minutes is not None:
            # All rounds share their time: what one takes to start is not missing at the end.
            left = minutes * len(begun) - clock.elapsed() / 60
            share = max(left, 0.1) / (len(begun) - begun.index(number))
            config = dataclasses.replace(config, budget=dataclasses.replace(config.budget, minutes=share))
        _round(student, teacher, step, number, config, batches, ranks, log, eoh)
        if ranks.first:
            info = {
                "stage": "distill",
                "round": number,
                "teacher_step": step,
                "from": load_info(source),
            }
            save_checkpoint(checkpoint, student, info)
        ranks.agree(0.0)  # nobody reads the checkpoint before it is written
    return done


def _is_done(folder: Path, number: int) -> bool:
    return (folder / f"round{number}" / "weights.safetensors").exists()


def _round(
    student: Transformer,
    teacher: Transformer,
    step: float,
    number: int,
    config: DistillConfig,
    batches: Iterator[Batch],
    ranks: Ranks,
    log: Log,
    eoh: int,
) -> None:
    """One round; the student ends as the average of its own weights."""
    device = pick_device(ranks)
    if config.compile:
        student.compile_for_training(config.flex)
        if device.type == "cuda":  # A round on a CPU is over before its two readings are compiled.
            teacher.compile_for_training(config.flex)
    objective = ranks.parallel(StudentLogs(student))
    optimisers = [
        (Muon(student.matrices(), lr=config.muon_rate, decay=0.0), config.muon_rate),
        (
            torch.optim.AdamW(student.others(), lr=config.adam_rate, weight_decay=0.0, fused=True),
            config.adam_rate,
        ),
    ]
    ema, clock, generator = Ema(student, config.ema), Clock(), torch.Generator(device)
    generator.manual_seed(1000 * config.seed + 10 * number + ranks.rank)
    updates = 0
    unchecked = torch.zeros((), device=device)
    logged = 0.0
    for batch in batches:
        progress = ranks.agree(config.budget.progress(updates, clock.elapsed()))
        if progress >= 1.0:
            break
        batch = to_device(batch, device)
        with mixed_precision(device):
            targets, valid = teacher_targets(teacher, batch, step, eoh, generator)
        for optimiser, peak in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = peak * learning_rate(progress, warmup=0.1)
        with mixed_precision(device):
            causal, logs = objective(batch)
        gap = divergence(logs, targets, config.reverse_share, valid, config.jsd_share)
        loss = gap + config.causal_weight * causal
        if config.certainty_weight > 0:
            text = batch.canvas_targets[batch.masked_places]
            loss = loss + config.certainty_weight * certainty(logs, text, valid)
        loss.backward()
        unchecked += (gap + causal).detach()
        if updates % CHECK_STEPS == 0:
            check_finite(unchecked.item(), updates)
        for optimiser, _ in optimisers:
            optimiser.step()
        student.zero_grad(set_to_none=True)
        ema.update(student)
        updates += 1
        if clock.elapsed() - logged >= 15 or updates == 1:
            logged = clock.elapsed()
            entropy = -(logs.exp() * logs).sum(-1).mean().item()
            log.write(
                round=number, updates=updates, progress=round(progress, 3), divergence=gap.item(),
                causal=causal.item(), entropy=entropy, seconds=round(logged),
            )  # fmt: skip
    check_finite(unchecked.item(), updates)
    ema.copy_to(student)
    log.write(event="round", round=number, updates=updates, seconds=round(clock.elapsed()))

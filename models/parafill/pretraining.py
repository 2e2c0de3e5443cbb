"""Pretraining: next-token and masked losses in one pass, by the clock or by steps, resumable.

Under `torchrun` every process trains on batches of its own and DDP averages the gradients. On CPUs that is also the
fastest way to use two cores: one thread a process waits once a step instead of at every operation.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from .attention import annealed
from .batches import Batch, BatchSource
from .checkpoint import load_info, load_model, load_state, save_checkpoint
from .config import ModelConfig
from .diffusion import LossOfBatch, losses
from .model import Transformer
from .optim import Ema, Muon, learning_rate
from .precision import mixed_precision
from .training import Budget, Clock, Log, Ranks, check_finite, pick_device, prefetch, to_device
from .utilisation import named_peak, training_flops

#: A loss that is not a number is noticed after so many steps, and before a checkpoint is written.
CHECK_STEPS = 10


@dataclasses.dataclass(frozen=True)
class PretrainConfig:
    """Everything of a pretraining run but its data. Learning rates are peaks."""

    budget: Budget
    seed: int = 1
    #: Muon updates the matrices in the blocks; without it AdamW does, at its own rate.
    muon: bool = True
    muon_rate: float = 0.02
    adam_rate: float = 3e-3
    #: Of the matrices in the blocks.
    weight_decay: float = 0.05
    masked_weight: float = 1.0
    #: How much more a causal target in a fill counts than one in the context.
    fill_weight: float = 1.0
    #: SequenceConfig.with_files, for the checkpoint's record: it decides whether the model is shown other files.
    with_files: float = 0.0
    ema: float = 0.995
    #: Share of the budget after which the learning rate falls; 1 keeps it up for a later stage.
    decay_from: float = 0.5
    #: Which part of it is left at the end: what a later stage begins with.
    decay_to: float = 0.0
    #: Share of the budget over which canvases come to see to their right; for networks that were trained causally.
    anneal: float = 0.0
    compile: bool = True
    flex: bool = False
    workers: int = 1
    #: Seconds between checkpoints, and between validations.
    save_seconds: float = 150.0
    validate_seconds: float = 600.0
    validation_batches: int = 8
    #: Ends the run at this step although its budget (and so its schedule) goes further; it can be resumed.
    stop_after: int | None = None


class Trainer:
    """Model, optimisers, average and counters: all that a resumed run must find again."""

    def __init__(
        self, model: Transformer, config: PretrainConfig, device: torch.device, origin: dict | None = None
    ) -> None:
        self.model, self.config, self.device = model.to(device), config, device
        #: The info of the checkpoint that the run began with.
        self.origin = {} if origin is None else {"from": origin}
        adam = functools.partial(torch.optim.AdamW, lr=config.adam_rate, betas=(0.9, 0.95), fused=True)
        #: Of the matrices in the blocks, and its peak rate.
        self.matrices, self.matrix_rate = (
            (Muon(model.matrices(), lr=config.muon_rate, decay=config.weight_decay), config.muon_rate)
            if config.muon
            else (adam(model.matrices(), weight_decay=config.weight_decay), config.adam_rate)
        )
        self.adam = adam(model.others(), weight_decay=0.0)
        self.ema = Ema(model, config.ema)
        self.step = 0
        self.positions = 0
        #: Sum of the losses that were not yet checked, on the device.
        self.unchecked = torch.zeros((), device=device)

    def check(self) -> None:
        """Raises NonFiniteLoss when a loss since the last call was one. This waits for the device."""
        check_finite(self.unchecked.item(), self.step)
        self.unchecked.zero_()

    def state(self, elapsed: float) -> dict:
        return {
            "matrices": self.matrices.state_dict(),
            "adam": self.adam.state_dict(),
            "raw": {name: p.detach() for name, p in self.model.named_parameters()},
            "ema_updates": self.ema.updates,
            "step": self.step,
            "positions": self.positions,
            "elapsed": elapsed,
        }

    def restore(self, state: dict, averaged: Transformer) -> None:
        """The checkpoint's weights are the average; the state holds the raw ones."""
        self.matrices.load_state_dict(state["matrices"])
        self.adam.load_state_dict(state["adam"])
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                p.copy_(state["raw"][name])
            for name, p in averaged.named_parameters():
                self.ema.weights[name].copy_(p)
        self.ema.updates, self.step, self.positions = (
            state["ema_updates"],
            state["step"],
            state["positions"],
        )

    def save(self, folder: Path, elapsed: float) -> None:
        self.check()
        averaged = Transformer(self.model.config).to(self.device)
        self.ema.copy_to(averaged)
        info = {
            "stage": "pretrain",
            "step": self.step,
            "positions": self.positions,
            "seconds": round(elapsed),
            "with_files": self.config.with_files,
            **self.origin,
        }
        save_checkpoint(folder, averaged, info, self.state(elapsed))


def train_step(
    trainer: Trainer, objective: nn.Module, batch: Batch, factor: float, revealed: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One update; returns (causal loss, masked loss) in nats. A GPU is not waited for, but for every CHECK_STEPS."""
    config = trainer.config
    for optimiser, peak in ((trainer.matrices, trainer.matrix_rate), (trainer.adam, config.adam_rate)):
        for group in optimiser.param_groups:
            group["lr"] = peak * factor
    with mixed_precision(trainer.device):
        causal, masked = objective(batch, revealed)
    (causal + config.masked_weight * masked).backward()
    trainer.unchecked += (causal + masked).detach()
    if trainer.step % CHECK_STEPS == 0:
        trainer.check()
    trainer.matrices.step()
    trainer.adam.step()
    trainer.model.zero_grad(set_to_none=True)
    trainer.ema.update(trainer.model)
    trainer.step += 1
    trainer.positions += batch.ids.numel()  # of this process; times the ranks in all
    return causal.detach(), masked.detach()


def revealed_at(config: PretrainConfig, progress: float, number: int, batch: Batch) -> Tensor | None:
    """Whom the canvases of batch `number` see at `progress` of the run, on the batch's device; None: everybody."""
    if progress >= config.anneal:
        return None
    generator = torch.Generator(batch.ids.device)
    generator.manual_seed(1_000_003 * config.seed + number)
    return annealed(*batch.canvas_targets.shape, progress / config.anneal, generator)


@torch.no_grad()
def validate(model: Transformer, source: BatchSource, batches: int, device: torch.device) -> dict[str, float]:
    """Mean validation losses over a fixed set of batches, in nats per token."""
    sums = {"causal": 0.0, "masked": 0.0}
    for index in range(batches):
        with mixed_precision(device):
            loss = losses(model, to_device(source.batch(index), device))
        sums["causal"] += loss.causal.item() / batches
        sums["masked"] += loss.masked.item() / batches
    return sums


def continued(start_from: Path, config: ModelConfig) -> Transformer:
    """The model of a checkpoint, to be trained on as `config` says: contexts may get another layout, but no weight
    another shape; raises ValueError.
    """
    model = load_model(start_from)
    if dataclasses.replace(model.config, repeated_below=config.repeated_below) != config:
        raise ValueError(f"{start_from}: expected a model of shape {config}, found {model.config}")
    model.config = config
    return model


def pretrain(
    model_config: ModelConfig,
    config: PretrainConfig,
    make_source: Callable[[], BatchSource],
    validation: BatchSource | None,
    folder: Path,
    start_from: Path | None = None,
) -> Path:
    """Trains until the budget is spent and returns the last checkpoint's folder.

    With a checkpoint already in `folder` the run goes on from it; `start_from` begins with another one's weights.
    """
    ranks = Ranks.from_environment()
    device = pick_device(ranks)
    checkpoint = folder / "pretrain"
    resumed = checkpoint.exists()
    torch.manual_seed(config.seed)
    model = continued(start_from, model_config) if start_from and not resumed else Transformer(model_config)
    origin = load_info(checkpoint).get("from") if resumed else load_info(start_from) if start_from else None
    trainer = Trainer(model, config, device, origin)
    elapsed = 0.0
    if resumed:
        state = load_state(checkpoint)
        trainer.restore(state, load_model(checkpoint))
        elapsed = state["elapsed"]
    log = Log(folder / "pretrain.jsonl", quiet=not ranks.first)
    parameters = sum(p.numel() for p in model.parameters())
    log.write(event="start", resumed=resumed, step=trainer.step, parameters=parameters, device=str(device))
    if config.compile:
        model.compile_for_training(config.flex)

    objective = ranks.parallel(LossOfBatch(model, config.fill_weight))
    clock = Clock(elapsed)
    saved = validated = logged = clock.elapsed()
    seen, peak = trainer.positions * ranks.count, named_peak(device)
    averaged = Transformer(model_config).to(device)
    for batch in prefetch(make_source, ranks.own(trainer.step), ranks.count, config.workers):
        progress = ranks.agree(config.budget.progress(trainer.step, clock.elapsed()))
        if progress >= 1.0 or trainer.step == config.stop_after:
            break
        factor = learning_rate(progress, decay_from=config.decay_from, decay_to=config.decay_to)
        batch = to_device(batch, device)
        revealed = revealed_at(config, progress, ranks.own(trainer.step), batch)
        causal, masked = train_step(trainer, objective, batch, factor, revealed)
        now = clock.elapsed()
        if not ranks.first:
            continue
        if now - logged >= 15 or trainer.step == 1:
            positions = trainer.positions * ranks.count
            rate = (positions - seen) / (now - logged)
            logged, seen = now, positions
            used = {}
            if peak:
                length = batch.ids.shape[1]
                flops = training_flops(model_config, batch.lane, length - batch.lane) / length
                used = {"mfu": round(rate * flops / (peak[1] * ranks.count), 3), "peak": f"{peak[0]} {peak[1]:.3g}"}
            log.write(
                step=trainer.step, progress=round(progress, 4), causal=causal.item(), masked=masked.item(),
                positions=positions, rate=round(rate), seconds=round(now), **used,
            )  # fmt: skip
        if validation and now - validated >= config.validate_seconds:
            trainer.ema.copy_to(averaged)
            measured = validate(averaged, validation, config.validation_batches, device)
            log.write(event="validation", step=trainer.step, seconds=round(now), **measured)
            validated = clock.elapsed()
        if now - saved >= config.save_seconds:
            trainer.save(checkpoint, clock.elapsed())
            saved = clock.elapsed()
    if not ranks.first:
        return checkpoint
    trainer.save(checkpoint, clock.elapsed())
    if validation:
        trainer.ema.copy_to(averaged)
        measured = validate(averaged, validation, config.validation_batches, device)
        log.write(event="validation", step=trainer.step, seconds=round(clock.elapsed()), **measured)
    log.write(event="end", **load_info(checkpoint))
    return checkpoint

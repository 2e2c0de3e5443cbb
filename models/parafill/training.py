"""What pretraining and distillation share: compiled steps on a device, a clock, progress on paper."""

from __future__ import annotations

import dataclasses
import json
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from .batches import Batch, BatchSource

Config = TypeVar("Config")


class NonFiniteLoss(RuntimeError):
    """The loss became NaN or infinite; the run stops and the last checkpoint stays as it is."""


def at_rate(config: Config, factor: float) -> Config:
    """The same configuration of training with both learning rates scaled."""
    return dataclasses.replace(config, muon_rate=config.muon_rate * factor, adam_rate=config.adam_rate * factor)


def check_finite(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise NonFiniteLoss(
            f"step {step}: the loss is {loss}; the last good checkpoint is kept. "
            "Resume from it with a smaller learning rate or another seed."
        )


@dataclasses.dataclass(frozen=True)
class Ranks:
    """The processes that train together (`torchrun` sets RANK and WORLD_SIZE); alone there is one."""

    rank: int = 0
    count: int = 1

    @classmethod
    def from_environment(cls) -> Ranks:
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            return cls()
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        return cls(distributed.get_rank(), count)

    @property
    def first(self) -> bool:
        return self.rank == 0

    def own(self, step: int) -> int:
        """The number of this process's batch at a step."""
        return step * self.count + self.rank

    def parallel(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over all processes."""
        return module if self.count == 1 else DistributedDataParallel(module)

    def agree(self, value: float) -> float:
        """The first process's value: clocks differ, but all must stop at the same step."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=pick_device(self))
        distributed.broadcast(shared, 0)
        return shared.item()


def pick_device(ranks: Ranks) -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", ranks.rank % torch.cuda.device_count())
    torch.cuda.set_device(device)
    # What autocast leaves in float32 may still use the matrix units.
    torch.set_float32_matmul_precision("high")
    return device


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch on a device. The copy to a GPU starts from pinned memory, so that nobody waits for it."""

    def moved(value: torch.Tensor) -> torch.Tensor:
        return value.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else value.to(device)

    return _each_tensor(batch, moved)


def _each_tensor(batch: Batch, change: Callable[[Any], Any]) -> Batch:
    values = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    return Batch(**{name: value if isinstance(value, int) else change(value) for name, value in values.items()})


@dataclasses.dataclass
class Budget:
    """How long a run lasts: a number of steps, or minutes of wall clock (resumed time counts)."""

    steps: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError("give a budget either as steps or as minutes")

    def progress(self, step: int, elapsed: float) -> float:
        """Share of the budget that is spent, in [0, 1]. `elapsed` is in seconds."""
        if self.steps is not None:
            return min(1.0, step / self.steps)
        assert self.minutes is not None
        return min(1.0, elapsed / (60 * self.minutes))


class Log:
    """Appends one JSON object a line to a file and a readable line to standard output."""

    def __init__(self, path: Path, quiet: bool = False) -> None:
        self.path, self.quiet = path, quiet
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, **values: object) -> None:
        if self.quiet:
            return
        with self.path.open("a") as file:
            file.write(json.dumps(values) + "\n")
        shown = " ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items())
        print(shown, flush=True)


_source: BatchSource | None = None


def _initialise(make_source: Callable[[], BatchSource]) -> None:
    global _source
    torch.set_num_threads(1)
    _source = make_source()


def _make(step: int) -> Batch:
    """A batch of arrays: tensors would travel in shared memory, of which a machine may have little."""
    assert _source is not None
    return _each_tensor(_source.batch(step), torch.Tensor.numpy)


def prefetch(make_source: Callable[[], BatchSource], first: int, stride: int, workers: int) -> Iterator[Batch]:
    """Endless batches first, first + stride, … made by worker processes a few steps ahead and given back in order."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _initialise, (make_source,)) as pool:
        ahead = [pool.apply_async(_make, (first + stride * i,)) for i in range(2 * workers + 2)]
        step = first + stride * len(ahead)
        while True:
            batch = ahead.pop(0).get()
            ahead.append(pool.apply_async(_make, (step,)))
            step += stride
            yield _each_tensor(batch, torch.from_numpy)


class Clock:
    """Seconds since the run began, over all its resumed parts."""

    def __init__(self, already: float = 0.0) -> None:
        self.already, self.began = already, time.monotonic()

    def elapsed(self) -> float:
        return self.already + time.monotonic() - self.began

"""Muon for matrices, AdamW for the rest, and the schedule both follow."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .precision import multiplies_bf16


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest orthogonal matrix, roughly, by a quintic Newton-Schulz iteration.

    Coefficients as published for Muon (Jordan et al. 2024): they push singular values to about 1 (0.7-1.2) in five
    steps rather than converging exactly. bfloat16 is precise enough for it.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16() if multiplies_bf16(matrix.device.type) else matrix.float()
    x = x / (x.norm() + 1e-7)
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + torch.addmm(gram, gram, gram, beta=b, alpha=c) @ x
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised; weight decay is decoupled."""

    def __init__(
        self,
        params: list[nn.Parameter],
        lr: float = 0.02,
        momentum: float = 0.95,
        decay: float = 0.05,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if "buffer" not in state:
                    state["buffer"] = torch.zeros_like(weight)
                buffer = state["buffer"]
                buffer.lerp_(weight.grad, 1 - group["momentum"])
                # Nesterov: look ahead along the momentum.
                ahead = weight.grad.lerp(buffer, group["momentum"])
                # Tall matrices get larger updates, so that each output moves alike whatever the shape.
                scale = max(1.0, weight.shape[0] / weight.shape[1]) ** 0.5
                weight.mul_(1 - group["lr"] * group["decay"])
                weight.add_(orthogonalise(ahead).to(weight.dtype), alpha=-group["lr"] * scale)


def learning_rate(progress: float, warmup: float = 0.03, decay_from: float = 0.5) -> float:
    """Factor on the learning rate at `progress` in [0, 1]: linear warm-up, flat, linear to zero."""
    if progress < warmup:
        return max(progress, 1e-3) / warmup
    if progress <= decay_from:
        return 1.0
    return max(0.0, (1 - progress) / (1 - decay_from))


class Ema:
    """Exponential moving average of the weights: what is evaluated and exported."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: p.detach().clone() for name, p in model.named_parameters()}
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.updates += 1
        # A young average forgets its random start faster.
        decay = min(self.decay, self.updates / (self.updates + 10))
        for name, p in model.named_parameters():
            self.weights[name].lerp_(p, 1 - decay)

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        for name, p in model.named_parameters():
            p.copy_(self.weights[name])

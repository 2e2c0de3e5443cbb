"""Muon for matrices, AdamW for the rest, and the schedule both follow."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .precision import multiplies_bf16


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest orthogonal matrices of [..., rows, columns], roughly, by a quintic Newton-Schulz iteration.

    Coefficients as published for Muon (Jordan et al. 2024): they push singular values to about 1 (0.7-1.2) in five
    steps rather than converging exactly. bfloat16 is precise enough for it.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16() if multiplies_bf16(matrix.device.type) else matrix.float()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    wide = x.shape[-2] <= x.shape[-1]
    x = x if wide else x.mT
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x if wide else x.mT


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
            for weights in _by_shape(group["params"]):
                self._step(weights, group["lr"], group["momentum"], group["decay"])

    def _step(self, weights: list[Tensor], lr: float, momentum: float, decay: float) -> None:
        """Matrices of one shape go together: a GPU would spend longer on starting their products than on them."""
        for weight in weights:
            if "buffer" not in self.state[weight]:
                self.state[weight]["buffer"] = torch.zeros_like(weight)
        gradients = [weight.grad for weight in weights]
        buffers = [self.state[weight]["buffer"] for weight in weights]
        torch._foreach_lerp_(buffers, gradients, 1 - momentum)
        # Nesterov: look ahead along the momentum.
        ahead = torch._foreach_lerp(gradients, buffers, momentum)
        updates = orthogonalise(torch.stack(ahead)).to(weights[0].dtype)
        # Tall matrices get larger updates, so that each output moves alike whatever the shape.
        scale = max(1.0, updates.shape[-2] / updates.shape[-1]) ** 0.5
        torch._foreach_mul_(weights, 1 - lr * decay)
        torch._foreach_add_(weights, updates.unbind(), alpha=-lr * scale)


def _by_shape(params: list[nn.Parameter]) -> list[list[Tensor]]:
    """Those that have a gradient, grouped."""
    groups: dict[torch.Size, list[Tensor]] = {}
    for weight in params:
        if weight.grad is not None:
            groups.setdefault(weight.shape, []).append(weight)
    return list(groups.values())


def learning_rate(progress: float, warmup: float = 0.03, decay_from: float = 0.5, decay_to: float = 0.0) -> float:
    """Factor on the learning rate at `progress` in [0, 1]: linear warm-up, flat, linear to `decay_to`."""
    if progress < warmup:
        return max(progress, 1e-3) / warmup
    if progress <= decay_from:
        return 1.0
    return decay_to + (1 - decay_to) * max(0.0, (1 - progress) / (1 - decay_from))


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
        current = {name: p.detach() for name, p in model.named_parameters()}
        torch._foreach_lerp_([self.weights[name] for name in current], list(current.values()), 1 - decay)

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        for name, p in model.named_parameters():
            p.copy_(self.weights[name])

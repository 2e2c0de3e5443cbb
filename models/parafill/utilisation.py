"""Model FLOP utilisation: the share of a processor's peak that training turns into the model's own arithmetic."""

from __future__ import annotations

import torch

from .config import ModelConfig

#: Dense bfloat16 peaks in FLOP/s by a part of the device's name, from the makers' data sheets (without sparsity).
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40": 181e12, "L4": 121e12, "RTX 4090": 165e12}


def training_flops(model: ModelConfig, lane: int, canvas: int) -> float:
    """Floating-point operations of one training sequence of so many positions: forward and, twice as many, backward.

    Two operations a weight and position for every matrix; the head counts on the causal lane only (few canvas
    positions are wanted); attention counts half of its pairs, which is what may be seen (of real canvases 0.50 to
    0.53, measured); norms, rotations and the optimiser do not count.
    """
    width = model.heads * model.head_dim
    layer = model.dim * (2 * width + 2 * model.kv_heads * model.head_dim + 3 * model.ffn)
    matrices = 2 * model.layers * layer * (lane + canvas) + 2 * model.dim * model.vocab_size * lane
    pairs = (lane * lane + canvas * (lane + canvas)) / 2
    return 3 * (matrices + 4 * model.layers * width * pairs)


def named_peak(device: torch.device) -> tuple[str, float] | None:
    """The device's name and dense bfloat16 peak in FLOP/s, or None where it is not known (CPUs)."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next(((name, peak) for part, peak in PEAKS.items() if part in name), None)

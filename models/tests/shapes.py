"""Tiny networks of every shape the code knows: the one trained here, and those of adapted checkpoints."""

from __future__ import annotations

import dataclasses

import torch

from parafill.config import PRESETS, ModelConfig
from parafill.model import Transformer

_ADAPTED = dataclasses.replace(
    PRESETS["tiny"], channel_scales=True, qk_norm=False, scaled_embedding=False, rope_base=1e6
)
SHAPES: dict[str, ModelConfig] = {
    "own": PRESETS["tiny"],
    "llama": dataclasses.replace(_ADAPTED, tied=False),
    "qwen2": dataclasses.replace(_ADAPTED, qkv_bias=True),
    "qwen3": dataclasses.replace(_ADAPTED, qk_norm=True),
}


def random_network(shape: str) -> Transformer:
    """No weight is what it is at the start of training, so that leaving one out changes logits."""
    torch.manual_seed(0)
    model = Transformer(SHAPES[shape]).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.ndim == 2:
                p.normal_(std=p.shape[1] ** -0.5)
            elif name.endswith("bias"):
                p.normal_()
            else:
                p.uniform_(0.5, 1.5)
    return model

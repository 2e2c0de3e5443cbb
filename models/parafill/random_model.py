"""A model of random weights, for figures of speed that do not depend on what was trained."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import torch

from .config import PRESETS
from .model import Transformer

#: Long enough for every case of the benchmark.
_CONTEXT_LENGTH = 2048
#: Logits spread this much: drawing from a flat distribution would cost more than from a trained model's.
_SHARPNESS = 4.0


def random_model(preset: str) -> Transformer:
    """The shape of a preset, always with the same weights; no layer is the identity, as it is before training."""
    torch.manual_seed(0)
    model = Transformer(dataclasses.replace(PRESETS[preset], context_length=_CONTEXT_LENGTH))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.normal_(std=weight.shape[1] ** -0.5)
        model.final_norm.scale.fill_(_SHARPNESS)
    return model


def padded_tokenizer(source: Path, target: Path, size: int) -> None:
    """Writes a tokenizer with further tokens, up to `size`: no text encodes to them, but they decode to text."""
    description = json.loads(source.read_text(encoding="utf-8"))
    vocabulary: dict[str, int] = description["model"]["vocab"]
    if len(vocabulary) > size:
        raise ValueError(f"{source}: {len(vocabulary)} tokens, but the model has {size}; take a smaller tokenizer")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    names = ("".join(parts) for parts in itertools.product(letters, repeat=4))
    spare = (name for name in names if name not in vocabulary)
    for index, name in zip(range(len(vocabulary), size), spare, strict=False):
        vocabulary[name] = index
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(description, ensure_ascii=False) + "\n", encoding="utf-8")

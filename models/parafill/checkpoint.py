"""Checkpoints: a folder with weights (safetensors), the model's shape, and what a resumed run needs.

A checkpoint is written beside its place and then renamed, so that a full disk or a killed run leaves the last good
one untouched.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from .config import ModelConfig
from .model import Transformer


class CheckpointError(RuntimeError):
    """A checkpoint is missing, damaged or of another shape; the message says which file and why."""


def save_checkpoint(
    folder: Path,
    model: Transformer,
    info: dict[str, Any],
    state: dict[str, Any] | None = None,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Writes weights, config.json, info.json and (for resuming) state.pt."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    weights = {name: p.detach().to(dtype).contiguous() for name, p in model.named_parameters()}
    save_file(weights, str(fresh / "weights.safetensors"))
    (fresh / "config.json").write_text(model.config.to_json())
    (fresh / "info.json").write_text(json.dumps(info, indent=2))
    if state is not None:
        torch.save(state, fresh / "state.pt")
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_model(folder: Path) -> Transformer:
    """The model of a checkpoint in float32; a CheckpointError names what does not fit."""
    path = folder / "weights.safetensors"
    if not path.exists():
        raise CheckpointError(f"{folder}: no checkpoint here (weights.safetensors is missing)")
    try:
        model = Transformer(ModelConfig.load(folder / "config.json"))
        weights = load_file(str(path))
    except Exception as error:
        raise CheckpointError(f"{folder}: damaged checkpoint: {error}") from error
    expected = {name: tuple(p.shape) for name, p in model.named_parameters()}
    found = {name: tuple(w.shape) for name, w in weights.items()}
    if expected != found:
        odd = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        first = odd[0]
        raise CheckpointError(
            f"{path}: {len(odd)} weights do not match config.json, first {first}: "
            f"expected {expected.get(first)}, found {found.get(first)}"
        )
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(weights[name].float())
    return model


def average(models: Sequence[Transformer], shares: Sequence[float]) -> Transformer:
    """The weighted mean of weights of one shape; shares add up to 1.

    The ends of runs that went on from each other, each with a learning rate that fell to zero, lie around something
    better than the last of them (stochastic weight averaging, arXiv 1803.05407). A ValueError says what does not fit.
    """
    if abs(sum(shares) - 1) > 1e-6 or len(shares) != len(models):
        raise ValueError(f"expected one share for each of {len(models)} models, 1 in all, found {list(shares)}")
    if any(model.config != models[0].config for model in models):
        raise ValueError("expected models of one shape, found " + ", ".join(m.config.to_json() for m in models))
    mean = Transformer(models[0].config)
    with torch.no_grad():
        for name, p in mean.named_parameters():
            p.copy_(sum(share * model.get_parameter(name) for model, share in zip(models, shares, strict=True)))
    return mean


def load_state(folder: Path) -> dict[str, Any]:
    """What save_checkpoint stored as `state`: optimiser, average, step, elapsed seconds."""
    return torch.load(folder / "state.pt", weights_only=True)


def load_info(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "info.json").read_text())


def licence_of(info: dict[str, Any]) -> str:
    """The licence of a checkpoint's weights by its info.json: that of what it began with, or this project's own."""
    if "licence" in info:
        return info["licence"]
    return licence_of(info["from"]) if "from" in info else "MIT"

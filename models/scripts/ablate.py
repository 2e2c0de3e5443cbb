"""Choices of pretraining against each other at small size, with seeds: `python scripts/ablate.py --steps 600`.

Each choice trains a model for every seed; the table has the validation losses' mean and standard deviation over the
seeds. All are measured on the same validation batches, noised by the usual law whatever they were trained on. Runs that
are done are not repeated. The last line is JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import statistics
from pathlib import Path

import torch

from parafill.checkpoint import load_model
from parafill.config import PRESETS, SEQUENCES, SequenceConfig
from parafill.pretraining import PretrainConfig, pretrain, validate
from parafill.sources import add_training_arguments, make_source, parse_training_arguments
from parafill.tokenizer import load_tokenizer
from parafill.training import Budget
from tasks.metrics import markdown_table

MODELS = Path(__file__).resolve().parent.parent

#: What differs from the preset: fields of PretrainConfig and of SequenceConfig.
VARIANTS: dict[str, tuple[dict, dict]] = {
    "as it is": ({}, {}),
    "masked loss x 0.5": ({"masked_weight": 0.5}, {}),
    "masked loss x 2": ({"masked_weight": 2.0}, {}),
    "half of the canvases fully masked": ({}, {"fully_masked": 0.5}),
    "rates uniform in (0.15, 1) only": ({}, {"fully_masked": 0.0}),
    "rates uniform in (0.5, 1) or 1": ({}, {"min_rate": 0.5}),
    "canvas tokens predicted in place": ({}, {"canvas_shift": 0}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="tiny")
    parser.add_argument("--steps", type=int, default=600, help="of each run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--validation-batches", type=int, default=16, help="of 8 sequences each")
    add_training_arguments(parser)
    parser.add_argument("--out", type=Path, default=MODELS / "checkpoints" / "ablations")
    options = parse_training_arguments(parser)
    found: dict[str, list[dict[str, float]]] = {}
    for name in VARIANTS:
        found[name] = [losses_of(name, seed, options) for seed in range(1, options.seeds + 1)]
        print(table(found), flush=True)
    print(json.dumps(found))


def losses_of(name: str, seed: int, options: argparse.Namespace) -> dict[str, float]:
    """Validation losses of one run in nats per token; trains it first unless it was."""
    folder = options.out / f"{name.replace(' ', '-')}-{options.steps}-{seed}"
    done = folder / "losses.json"
    if done.is_file():
        return json.loads(done.read_text())
    training, drawing = VARIANTS[name]
    usual = SEQUENCES[options.preset]
    shape = dataclasses.replace(usual, **drawing)
    model = dataclasses.replace(PRESETS[options.preset], vocab_size=load_tokenizer(options.tokenizer).size)
    config = PretrainConfig(
        Budget(steps=options.steps), seed, compile=not options.no_compile, workers=options.workers, **training
    )
    source = functools.partial(make_source, options.shards, options.tokenizer)
    train = functools.partial(source, "train", model, shape, options.batch, seed)
    checkpoint = pretrain(model, config, train, None, folder)
    # How a token is read belongs to the model; how canvases are noised does not.
    measured: SequenceConfig = dataclasses.replace(usual, canvas_shift=shape.canvas_shift)
    validation = source("validation", model, measured, 8, 0)
    losses = validate(load_model(checkpoint), validation, options.validation_batches, torch.device("cpu"))
    done.write_text(json.dumps(losses))
    return losses


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """One line a choice: mean ± standard deviation over the seeds."""

    def cell(runs: list[dict[str, float]], kind: str) -> str:
        values = [run[kind] for run in runs]
        spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
        return f"{statistics.mean(values):.3f}{spread}"

    rows = [[name, cell(runs, "causal"), cell(runs, "masked"), str(len(runs))] for name, runs in found.items()]
    return markdown_table(["choice", "causal, nats", "masked, nats", "seeds"], rows)


if __name__ == "__main__":
    main()

"""Choices of pretraining against each other at small size, with seeds: `python scripts/ablate.py --steps 600`.

Each choice trains a model for every seed; the table has the validation losses' mean and standard deviation over the
seeds, and by how much a choice differs from the usual one of the same seed, which begins with the same weights and,
where noise follows the same law, sees the same data. All are measured on the same validation batches, noised by the
usual law and masked completely, whatever they were trained on. Runs that are done are not repeated. The last line is
JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
from pathlib import Path

import torch

from parafill.checkpoint import load_model
from parafill.config import PRESETS, SEQUENCES
from parafill.pretraining import PretrainConfig, pretrain, validate
from parafill.sources import add_training_arguments, make_source, parse_training_arguments
from parafill.tokenizer import load_tokenizer
from parafill.training import Budget, at_rate
from tasks.metrics import markdown_table, spread_cell

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
    "AdamW instead of Muon": ({"muon": False}, {}),
    "AdamW instead of Muon, a third of the rate": ({"muon": False, "adam_rate": 1e-3}, {}),
}
#: What the others are compared with.
USUAL = "as it is"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="tiny")
    parser.add_argument("--steps", type=int, default=600, help="of each run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=list(VARIANTS), nargs="+", default=list(VARIANTS))
    parser.add_argument("--validation-batches", type=int, default=16, help="of 8 sequences each")
    add_training_arguments(parser)
    parser.add_argument("--out", type=Path, default=MODELS / "checkpoints" / "ablations")
    options = parse_training_arguments(parser)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in options.only}
    # Seed by seed: a run that is cut off has compared all choices, if with fewer seeds.
    for seed in range(1, options.seeds + 1):
        for name in options.only:
            found[name].append(losses_of(name, seed, options))
        print(table(found), flush=True)
    print(json.dumps(found))


def losses_of(name: str, seed: int, options: argparse.Namespace) -> dict[str, float]:
    """Validation losses of one run in nats per token; trains it first unless it was."""
    size = f"{options.preset}-{options.steps}x{options.batch}-rate-{options.rate:g}"
    folder = options.out / size / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
    done = folder / f"losses-{options.validation_batches}.json"
    if done.is_file():
        return json.loads(done.read_text())
    training, drawing = VARIANTS[name]
    usual = SEQUENCES[options.preset]
    shape = dataclasses.replace(usual, **drawing)
    model = dataclasses.replace(PRESETS[options.preset], vocab_size=load_tokenizer(options.tokenizer).size)
    config = PretrainConfig(
        Budget(steps=options.steps), seed, compile=not options.no_compile, flex=options.flex, workers=options.workers
    )
    config = at_rate(dataclasses.replace(config, **training), options.rate)
    source = functools.partial(make_source, options.shards, options.tokenizer)
    train = functools.partial(source, "train", model, shape, options.batch, seed)
    trained = load_model(pretrain(model, config, train, None, folder))
    # How a token is read belongs to the model; how canvases are noised does not.
    measured = dataclasses.replace(usual, canvas_shift=shape.canvas_shift)
    losses: dict[str, float] = {}
    for law, fully_masked in (("", usual.fully_masked), (", all masked", 1.0)):
        validation = source("validation", model, dataclasses.replace(measured, fully_masked=fully_masked), 8, 0)
        found = validate(trained, validation, options.validation_batches, torch.device("cpu"))
        losses |= {f"{kind}{law}": loss for kind, loss in found.items()}
    done.write_text(json.dumps(losses))
    return losses


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """One line a choice: mean ± standard deviation over the seeds; in brackets, those of its gaps to the usual one."""

    def cell(name: str, kind: str) -> str:
        values = [run[kind] for run in found[name]]
        usual = [run[kind] for run in found.get(USUAL, [])]
        if name == USUAL or len(usual) != len(values):
            return spread_cell(values)
        return f"{spread_cell(values)} ({spread_cell([a - b for a, b in zip(values, usual, strict=True)], '+')})"

    kinds = ("causal", "masked", "masked, all masked")
    rows = [[name, *(cell(name, kind) for kind in kinds), str(len(runs))] for name, runs in found.items()]
    return markdown_table(["choice", *(f"{kind}, nats" for kind in kinds), "seeds"], rows)


if __name__ == "__main__":
    main()

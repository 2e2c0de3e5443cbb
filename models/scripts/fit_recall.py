"""Finds how far a model shall believe what it recalls: `python scripts/fit_recall.py models/parafill-small`.

Holes of the validation packages, every other one with files of its package; the weights go into the manifest as
`recall`. Prints nats per token of the causal reading with and without; each half of the files is judged by the other
half's weights.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import zlib
from pathlib import Path

import numpy as np
from tqdm import tqdm

from parafill.config import ModelConfig
from parafill.corpus.shards import Documents, open_shards
from parafill.export import set_recall
from parafill.ngrams import FILE as NGRAMS
from parafill.ngrams import Ngrams
from parafill.onnx_model import OnnxModel
from parafill.recall import ORDERS, RecallWeights, fit, mixed
from parafill.sampler import Infill
from parafill.siblings import Siblings
from parafill.tokenizer import load_tokenizer
from tasks.package_holes import PackageHole, build_holes, load_recipe
from tasks.workspace import IMPORTED, NEAR, TOKENS

MODELS = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class Place:
    """One true token of a hole, or its end: natural-log probability, and cells with what they give it."""

    half: int
    log_probability: float
    evidence: list


def places_of(hole: PackageHole, infill: Infill, files: list[str]) -> list[Place]:
    """The places of a hole, read causally by the exported graph."""
    segments = [hole.before, hole.after]
    context, leads = infill.split(hole.language, segments)
    (memory,) = infill.memories(segments, leads, files)
    truth = [*infill.tokenizer.encode(leads[0].opening + hole.target), infill.special.eoh]
    row = infill.read_whole(infill.model.encode(context), leads[0], truth)
    if leads[0].first is not None and truth[0] not in leads[0].first:
        # The rest of its word is written with other tokens than the ones that a healed hole may begin with.
        return []
    half = zlib.crc32(hole.id.partition(":")[0].encode()) % 2
    return [
        Place(half, float(scores[token]), [(cell, share.get(token, 0.0)) for cell, share in memory.evidence(truth[:i])])
        for i, (token, scores) in enumerate(zip(truth, row, strict=True))
    ]


def with_files(documents: Documents, siblings: Siblings, hole: PackageHole) -> list[str]:
    index = int(hole.id.partition(":")[0])
    return [file.text for file in siblings.draw(index, random.Random(index), IMPORTED, NEAR, TOKENS)]


def nats(places: list[Place], weights: RecallWeights | None) -> float:
    """Mean of the true tokens' negative log-probabilities."""
    total = 0.0
    for place in places:
        alone = np.array([place.log_probability])
        evidence = [(cell, {0: share}) for cell, share in place.evidence]
        total -= float((mixed(alone, evidence, weights) if weights else alone)[0])
    return total / max(1, len(places))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="an exported model; its checkpoint's config.json tells the shape")
    parser.add_argument("--shards", type=Path, default=MODELS / "data" / "shards")
    parser.add_argument("--holes", type=int, default=1200)
    options = parser.parse_args()
    manifest = json.loads((options.model / "manifest.json").read_text())
    tokenizer = load_tokenizer(options.model)
    network = OnnxModel(options.model / "model.onnx", ModelConfig.load(options.model / "checkpoint" / "config.json"))
    ngrams = Ngrams.load(options.model / NGRAMS) if NGRAMS in manifest["files"] else None
    unknown = RecallWeights(ORDERS, [])
    infill = Infill(network, tokenizer, heals=manifest.get("heals", False), recall=unknown, ngrams=ngrams)
    documents = open_shards(options.shards, "validation")
    recipe = load_recipe(MODELS / "tasks" / "package_holes.json")
    # More of each kind than the report asks for: a table of weights needs many.
    recipe = dataclasses.replace(recipe, per_cell={language: 8 * count for language, count in recipe.per_cell.items()})
    holes = build_holes(documents, tokenizer, recipe, infill.heals)[: options.holes]
    siblings = Siblings(documents, tokenizer)
    by_files: dict[bool, list[Place]] = {False: [], True: []}
    for index, hole in enumerate(tqdm(holes, unit="hole")):
        has_files = index % 2 == 1
        files = with_files(documents, siblings, hole) if has_files else []
        by_files[has_files] += places_of(hole, infill, files)
    every = by_files[False] + by_files[True]

    def weights_of(places: list[Place]) -> RecallWeights:
        return fit([(float(np.exp(place.log_probability)), place.evidence) for place in places])

    halves = [weights_of([place for place in every if place.half != half]) for half in (0, 1)]
    found = {}
    for name, places in (("the file alone", by_files[False]), ("with other files", by_files[True])):
        parts = [[place for place in places if place.half == half] for half in (0, 1)]
        recalled = sum(nats(part, halves[half]) * len(part) for half, part in enumerate(parts)) / len(places)
        found[name] = {"tokens": len(places), "without": round(nats(places, None), 4), "with": round(recalled, 4)}
        print(f"{name}: {found[name]}")
    set_recall(options.model, network, weights_of(every), ngrams)
    print(json.dumps({"holes": len(holes), **found}))


if __name__ == "__main__":
    main()

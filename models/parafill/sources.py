"""Training data by split, in a form that worker processes can be handed, and the options of all training commands."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .batches import BatchSource, SequenceBuilder
from .config import ModelConfig, SequenceConfig
from .corpus.shards import open_shards
from .tokenizer import load_tokenizer

MODELS = Path(__file__).resolve().parent.parent


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that pretraining and distillation share."""
    parser.add_argument("--batch", type=int, default=8, help="sequences a step and process")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    parser.add_argument("--rate", type=float, default=1.0, help="factor on all learning rates")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--flex", action="store_true", help="FlexAttention for the canvases, on a GPU")
    parser.add_argument("--shards", type=Path, default=MODELS / "data" / "shards")
    parser.add_argument("--tokenizer", type=Path, default=MODELS / "parafill-small" / "tokenizer.json")


def parse_training_arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parses, and sets torch's threads as asked for."""
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    return options


def make_source(
    shards: Path,
    tokenizer: Path,
    split: str,
    model: ModelConfig,
    shape: SequenceConfig,
    batch: int,
    seed: int,
) -> BatchSource:
    """The batches of one split. Training shards are large, so their checksums are left to the corpus command."""
    builder = SequenceBuilder(load_tokenizer(tokenizer), model, shape)
    return BatchSource(open_shards(shards, split, verify=split != "train"), builder, batch, seed)

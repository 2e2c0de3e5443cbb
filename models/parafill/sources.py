"""Training data by split, in a form that worker processes can be handed."""

from __future__ import annotations

from pathlib import Path

from .batches import BatchSource, SequenceBuilder
from .config import ModelConfig, SequenceConfig
from .corpus.shards import open_shards
from .tokenizer import load_tokenizer


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

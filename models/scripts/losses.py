"""Validation losses of a checkpoint, by what the network could see: `python scripts/losses.py CHECKPOINT`.

Prints nats per token; the last line is JSON.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import torch

from parafill.batches import IGNORE, Batch
from parafill.checkpoint import load_model
from parafill.config import SEQUENCES
from parafill.diffusion import token_losses
from parafill.model import Transformer
from parafill.sources import make_source
from parafill.tokenizer import CodeTokenizer, load_tokenizer

MODELS = Path(__file__).resolve().parent.parent


def losses_in_place(model: Transformer, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropies [B, lane] and [B, canvas] in nats; 0 where there is no target."""
    causal, masked = token_losses(model, batch)
    lane, canvas = torch.zeros(batch.lane_targets.shape), torch.zeros(batch.canvas_targets.shape)
    lane[batch.places(batch.lane_read)] = causal
    canvas[batch.masked_places] = masked
    return lane, canvas


def classified(batch: Batch, tokenizer: CodeTokenizer, model: Transformer) -> Iterator[tuple[str, float]]:
    """(class, loss) of every target of a batch."""
    lane_losses, canvas_losses = losses_in_place(model, batch)
    mask, eoh = tokenizer.special.mask, tokenizer.special.eoh
    for row in range(len(batch.ids)):
        ids = batch.ids[row].tolist()
        filling, first = False, False
        for at in range(batch.lane):
            first = ids[at] in tokenizer.fill
            filling = filling or first
            if batch.lane_targets[row, at] != IGNORE:
                kind = "context" if not filling else "first of a fill" if first else "rest of a fill"
                kind = "end of a fill" if batch.lane_targets[row, at] == eoh else kind
                yield f"causal: {kind}", lane_losses[row, at].item()
        canvas = [*ids[batch.lane :], mask]
        for at in range(1, len(canvas) - 1):
            if batch.canvas_targets[row, at] == IGNORE:
                continue
            left, right = canvas[at - 1] != mask, canvas[at + 1] != mask
            kind = "left neighbour" if left else "right neighbour" if right else "no neighbour"
            kind = "both neighbours" if left and right else kind
            kind = "first of a hole" if canvas[at - 1] in tokenizer.fill else kind
            kind = "end of a hole" if batch.canvas_targets[row, at] == eoh else kind
            yield f"masked: {kind}", canvas_losses[row, at].item()


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--preset", choices=sorted(SEQUENCES), default="small")
    parser.add_argument("--batches", type=int, default=8, help="of 8 sequences each")
    parser.add_argument("--with-files", type=float, help="share of sequences with chunks of other files")
    parser.add_argument("--shards", type=Path, default=MODELS / "data" / "shards")
    parser.add_argument("--tokenizer", type=Path, default=MODELS / "parafill-small" / "tokenizer.json")
    options = parser.parse_args()
    model = load_model(options.checkpoint).eval()
    shape = SEQUENCES[options.preset]
    if options.with_files is not None:
        shape = dataclasses.replace(shape, with_files=options.with_files)
    source = make_source(options.shards, options.tokenizer, "validation", model.config, shape, 8, 0)
    sums: dict[str, list[float]] = collections.defaultdict(lambda: [0.0, 0])
    for index in range(options.batches):
        for kind, loss in classified(source.batch(index), load_tokenizer(options.tokenizer), model):
            for name in (kind, kind.split(":")[0]):
                sums[name][0] += loss
                sums[name][1] += 1
    for name, (total, count) in sorted(sums.items()):
        print(f"{name:26s} {total / count:6.3f}  ({count} tokens)")
    print(json.dumps({name: round(total / count, 4) for name, (total, count) in sums.items()}))


if __name__ == "__main__":
    main()

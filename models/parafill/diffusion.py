"""Masked diffusion on a canvas: losses of both readings and the masking they come from.

The forward process masks each token of a canvas independently with probability `move_chance` (`q_xt` of MDLM,
arXiv 2406.07524); the network predicts the clean token at every masked position (SUBS: a masked position never
predicts <mask>, a revealed one stays as it is).
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from .batches import IGNORE, Batch
from .model import Transformer, canvas_mask


def read_at(per_token: Tensor, empty: int | bool) -> Tensor:
    """Moves what belongs to canvas token t to position t - 1, whose hidden state predicts it; [B, C] → [B, C].

    Both readings share this shift by one: the anchor predicts a canvas' first token, as it does causally. (Unshifted,
    300 small updates left canvas tokens beside a known left neighbour at 6.7 nats, where the causal reading of the
    same tokens had reached 5.4: nothing carried over. See LOG.md.)
    """
    moved = torch.full_like(per_token, empty)
    moved[:, :-1] = per_token[:, 1:]
    return moved


@dataclasses.dataclass
class Losses:
    """Mean cross-entropies in nats. `causal` over the lane, `masked` over masked canvas positions."""

    causal: Tensor
    masked: Tensor

    def total(self, weight: float) -> Tensor:
        return self.causal + weight * self.masked


def token_losses(model: Transformer, batch: Batch) -> tuple[Tensor, Tensor]:
    """Cross-entropies [N] in nats of all targets, row-major, and bool [B, lane + canvas], where they are read.

    The head runs on positions that carry a loss only.
    """
    mask = canvas_mask(batch.visible, batch.group, batch.lane)
    hidden, _ = model(batch.ids, batch.positions, batch.lane, mask)
    targets = torch.cat([batch.lane_targets, read_at(batch.canvas_targets, IGNORE)], dim=1)
    wanted = targets != IGNORE
    return model.token_losses(hidden[wanted], targets[wanted]), wanted


def losses(model: Transformer, batch: Batch) -> Losses:
    """Both losses of a batch from one forward pass.

    There is no 1/t weight: decoding in few steps lives at high mask rates, so all rates count alike.
    """
    token_loss, wanted = token_losses(model, batch)
    on_canvas = torch.zeros_like(wanted)
    on_canvas[:, batch.lane :] = True
    chosen = on_canvas[wanted]
    causal_count = (~chosen).sum().clamp(min=1)
    masked_count = chosen.sum().clamp(min=1)
    return Losses(
        causal=(token_loss * ~chosen).sum() / causal_count,
        masked=(token_loss * chosen).sum() / masked_count,
    )


class LossOfBatch(nn.Module):
    """`losses` as a module, so that DistributedDataParallel sees every use of a weight."""

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """(causal, masked) mean losses in nats."""
        loss = losses(self.model, batch)
        return loss.causal, loss.masked

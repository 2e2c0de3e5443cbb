"""Masked diffusion on a canvas: losses of both readings and the masking they come from.

The forward process masks each token of a canvas independently with probability `move_chance` (`q_xt` of MDLM,
arXiv 2406.07524); the network predicts the clean token at every masked position (SUBS: a masked position never
predicts <mask>, a revealed one stays as it is).
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from .batches import Batch
from .model import Transformer


@dataclasses.dataclass
class Losses:
    """Mean cross-entropies in nats. `causal` over the lane, `masked` over masked canvas positions."""

    causal: Tensor
    masked: Tensor

    def total(self, weight: float) -> Tensor:
        return self.causal + weight * self.masked


def token_losses(model: Transformer, batch: Batch, revealed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Cross-entropies in nats of the lane's targets [N] and of the canvases' [M], in the order of `lane_read` and
    `canvas_read`. `revealed`: see attention.canvas_mask.

    The head runs on positions that carry a loss only.
    """
    mask = model.mask_of(batch.visible, batch.group, batch.lane, revealed)
    hidden, _ = model(batch.ids, batch.positions, batch.lane, mask)
    read = torch.cat([batch.lane_read, batch.canvas_read])
    row, place = batch.places(batch.lane_read)
    targets = torch.cat([batch.lane_targets[row, place], batch.canvas_targets[batch.masked_places]])
    values = model.token_losses(hidden.flatten(0, 1).index_select(0, read), targets)
    return values[: len(batch.lane_read)], values[len(batch.lane_read) :]


def losses(model: Transformer, batch: Batch, revealed: Tensor | None = None, fill_weight: float = 1.0) -> Losses:
    """Both losses of a batch from one forward pass.

    Of the causal ones, those in fills weigh `fill_weight` times as much as the others: they are few.
    There is no 1/t weight: decoding in few steps lives at high mask rates, so all rates count alike.
    """
    causal, masked = token_losses(model, batch, revealed)
    weights = torch.where(batch.lane_in_fill, fill_weight, 1.0)
    return Losses(
        causal=(causal * weights).sum() / weights.sum().clamp(min=1), masked=masked.sum() / max(1, len(masked))
    )


class LossOfBatch(nn.Module):
    """`losses` as a module, so that DistributedDataParallel sees every use of a weight."""

    def __init__(self, model: Transformer, fill_weight: float = 1.0) -> None:
        super().__init__()
        self.model, self.fill_weight = model, fill_weight

    def forward(self, batch: Batch, revealed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(causal, masked) mean losses in nats."""
        loss = losses(self.model, batch, revealed, self.fill_weight)
        return loss.causal, loss.masked

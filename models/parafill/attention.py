"""Softmax attention of a causal lane and of masked canvases, by whichever kernel is fastest."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

#: Who a canvas position may attend to: bool [B, T, S], or the same as blocks for FlexAttention.
Mask = Tensor | BlockMask

#: Causal attention on a CPU goes in this many slices of queries, each of which skips the keys behind it.
_SLICES = 2


def causal_attention(q: Tensor, k: Tensor, v: Tensor, bounded: bool) -> Tensor:
    """q, k, v [B, heads, T, head_dim] → [B, heads, T, head_dim]; position t attends to positions 0 … t.

    bounded: queries and keys are normalised with one scale each, so that scores are small (see _bounded_attention).
    """
    length = q.shape[2]
    if not bounded or not _fused_kernel_is_slow(q) or length % _SLICES:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    step = length // _SLICES
    parts = []
    for end in range(step, length + 1, step):
        mask = torch.ones(step, end, dtype=torch.bool, device=q.device).tril(end - step)
        parts.append(_bounded_attention(q[:, :, end - step : end], k[:, :, :end], v[:, :, :end], mask))
    return torch.cat(parts, dim=2)


def masked_attention(q: Tensor, k: Tensor, v: Tensor, mask: Mask, bounded: bool) -> Tensor:
    """q [B, heads, T, head_dim], k and v [B, heads, S, head_dim], mask bool [B, T, S], True where q may attend.

    bounded: as in causal_attention.
    """
    if isinstance(mask, BlockMask):
        return flex_attention(q, k, v, block_mask=mask)  # type: ignore[return-value]
    if not bounded or not _fused_kernel_is_slow(q):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None])
    return _bounded_attention(q, k, v, mask[:, None])


def canvas_mask(visible: Tensor, group: Tensor, lane: int, revealed: Tensor | None = None) -> Tensor:
    """Who a canvas position may attend to, bool [B, C, lane + C].

    visible: int [B, C], how many lane positions it sees; group: int [B, C], canvases of one joint group share a
    number. Two noisings of one target, or two holes that are not joint, never share a group. Of its group a position
    sees what bool `revealed` [B, C, C] lets it see, or everything.
    """
    lane_index = torch.arange(lane, device=visible.device)
    sees_lane = lane_index[None, None, :] < visible[:, :, None]
    sees_canvas = group[:, :, None] == group[:, None, :]
    if revealed is not None:
        sees_canvas = sees_canvas & revealed
    return torch.cat([sees_lane, sees_canvas], dim=-1)


def canvas_blocks(visible: Tensor, group: Tensor, lane: int, revealed: Tensor | None = None) -> BlockMask:
    """canvas_mask for FlexAttention, which skips blocks of 128 x 128 that nobody sees (a third of them)."""

    def sees(batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        in_lane = key < lane
        other = (key - lane).clamp(min=0)
        joint = group[batch, query] == group[batch, other]
        if revealed is not None:
            joint = joint & revealed[batch, query, other]
        return (in_lane & (key < visible[batch, query])) | (~in_lane & joint)

    count, canvas = visible.shape
    return create_block_mask(sees, count, None, canvas, lane + canvas, device=visible.device)  # type: ignore[arg-type]


def annealed(count: int, canvas: int, share: float, generator: torch.Generator) -> Tensor:
    """Whom canvas positions see on the way from a causal reading to one in both directions: bool [count, C, C].

    A position sees itself and what stands before it, and each later position with probability `share`: the attention
    mask annealing of DiffuLLaMA (arXiv 2410.17891), for networks that were trained causally.
    """
    drawn = torch.rand(count, canvas, canvas, generator=generator, device=generator.device) < share
    return drawn | torch.ones(canvas, canvas, dtype=torch.bool, device=generator.device).tril()


def _fused_kernel_is_slow(q: Tensor) -> bool:
    """In bfloat16 on a CPU, compiled products and exponentials beat the fused kernel (scripts/speed.py prints how)."""
    return q.device.type == "cpu" and q.dtype == torch.bfloat16 and torch.compiler.is_compiling()


def _bounded_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Softmax without subtracting the maximum: queries and keys are normalised, so scores cannot overflow.

    |q · k| / √head_dim ≤ √head_dim · (product of the two norms' scales), far below 88 = ln(float32's largest).
    """
    score = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
    weight = torch.where(mask, torch.exp(score), 0.0)
    total = weight.sum(-1, keepdim=True)
    return ((weight.to(q.dtype) @ v).float() / total).to(q.dtype)

"""The dual-reading transformer: what is written is read causally, what is missing bidirectionally.

One sequence is a *causal lane* (context and clean fills) and a *canvas lane* (noised canvases). Both run through the
same weights in one stream; only attention tells them apart: the lane never sees a canvas, a canvas sees the part of
the lane before it and its own joint group. So the keys and values of the lane are an ordinary KV cache, and it is
exact.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import Mask, canvas_blocks, canvas_mask, causal_attention, masked_attention
from .config import ModelConfig

#: Keys and values of one layer, each [B, kv_heads, T, head_dim]; keys are already rotated.
LayerCache = tuple[Tensor, Tensor]


def rotary_tables(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Cosines and sines of RoPE (arXiv 2104.09864, eq. 34), each float32 [max_position, head_dim / 2]."""
    half = config.head_dim // 2
    frequency = config.rope_base ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(config.max_position, dtype=torch.float64)[:, None] * frequency
    return angle.cos().float(), angle.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates x [B, heads, T, head_dim] by tables [B, 1, T, head_dim / 2]; the two halves are the pairs."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class RmsNorm(nn.Module):
    """RMSNorm (arXiv 1910.07467) with one learnt scale for all channels, or one for each.

    A single scale leaves no channel to grow into an outlier, which int8 activations are thankful for.
    """

    def __init__(self, width: int, config: ModelConfig) -> None:
        super().__init__()
        self.width, self.eps = width, config.norm_eps
        self.scale = nn.Parameter(torch.ones(width if config.channel_scales else ()))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (self.width,), eps=self.eps) * self.scale


class Attention(nn.Module):
    """Grouped-query attention with RoPE and, if the model has it, normalised queries and keys."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = config.heads, config.kv_heads, config.head_dim
        self.query = nn.Linear(config.dim, config.heads * config.head_dim, bias=config.qkv_bias)
        self.key = nn.Linear(config.dim, config.kv_heads * config.head_dim, bias=config.qkv_bias)
        self.value = nn.Linear(config.dim, config.kv_heads * config.head_dim, bias=config.qkv_bias)
        self.output = nn.Linear(config.heads * config.head_dim, config.dim, bias=False)
        self.query_norm = RmsNorm(config.head_dim, config) if config.qk_norm else nn.Identity()
        self.key_norm = RmsNorm(config.head_dim, config) if config.qk_norm else nn.Identity()
        #: Whether scores are too small to overflow an exponential (see attention.py).
        self.bounded = config.qk_norm and not config.channel_scales

    def forward(
        self,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        lane: int,
        mask: Mask | None,
        past: LayerCache | None,
    ) -> tuple[Tensor, LayerCache]:
        """x [B, T, dim] whose first `lane` positions are causal; the rest follow `mask` (see Transformer.forward)."""
        batch, length, _ = x.shape

        def split(y: Tensor, heads: int) -> Tensor:
            return y.view(batch, length, heads, self.head_dim).transpose(1, 2)

        q = rotate(self.query_norm(split(self.query(x), self.heads)), cos, sin)
        k = rotate(self.key_norm(split(self.key(x), self.kv_heads)), cos, sin)
        v = split(self.value(x), self.kv_heads)
        # Under autocast norms and rotations are float32, the products before them are not.
        q, k = q.to(v.dtype), k.to(v.dtype)
        cache = (k, v)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        parts = []
        if lane:
            parts.append(causal_attention(q[:, :, :lane], k[:, :, :lane], v[:, :, :lane], self.bounded))
        if lane < length:
            if mask is None:
                raise ValueError(f"{length - lane} canvas positions came without an attention mask")
            parts.append(masked_attention(q[:, :, lane:], k, v, mask, self.bounded))
        out = parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)
        return self.output(out.transpose(1, 2).reshape(batch, length, -1)), cache


class Block(nn.Module):
    """Pre-norm attention and SwiGLU (arXiv 2002.05202)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_norm = RmsNorm(config.dim, config)
        self.attention = Attention(config)
        self.feed_norm = RmsNorm(config.dim, config)
        self.gate = nn.Linear(config.dim, config.ffn, bias=False)
        self.up = nn.Linear(config.dim, config.ffn, bias=False)
        self.down = nn.Linear(config.ffn, config.dim, bias=False)

    def forward(
        self,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        lane: int,
        mask: Mask | None,
        past: LayerCache | None,
    ) -> tuple[Tensor, LayerCache]:
        attended, cache = self.attention(self.attention_norm(x), cos, sin, lane, mask, past)
        x = x + attended
        y = self.feed_norm(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y)), cache


class Transformer(nn.Module):
    """The network. `forward` gives hidden states; `logits` applies the head to the rows that are wanted."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.final_norm = RmsNorm(config.dim, config)
        if not config.tied:
            self.head = nn.Linear(config.dim, config.vocab_size, bias=False)
        cos, sin = rotary_tables(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.flex = False
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Residual outputs start at zero, so that the network starts as the identity."""
        nn.init.normal_(self.embedding.weight, std=0.02)
        for name, weight in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(weight)
            if weight.ndim == 2 and not name.startswith("embedding"):
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
                if name.endswith(("output.weight", "down.weight")):
                    nn.init.zeros_(weight)

    def forward(
        self,
        ids: Tensor,
        positions: Tensor,
        lane: int,
        mask: Mask | None = None,
        past: list[LayerCache] | None = None,
    ) -> tuple[Tensor, list[LayerCache]]:
        """Hidden states of a causal lane followed by canvases.

        ids, positions: int64 [B, T]. The first `lane` positions are read causally (then `past` must be None, or
        lane 0). The others follow `mask`, bool [B, T - lane, past + T], True where a canvas position may attend.
        `past`: keys and values of an already encoded lane, which stand before the T positions.
        Returns hidden [B, T, dim] (normalised) and each layer's keys and values of the T positions.
        """
        if past is not None and lane:
            raise ValueError("a lane cannot be appended to a past here; encode the longer lane instead")
        cos = self.cos[positions][:, None]
        sin = self.sin[positions][:, None]
        # Tied to the head, the embedding is small; without the factor the first blocks' outputs drown it (LOG.md).
        x = self.embedding(ids) * self.embedding_factor
        caches: list[LayerCache] = []
        for index, block in enumerate(self.blocks):
            x, cache = block(x, cos, sin, lane, mask, None if past is None else past[index])
            caches.append(cache)
        return self.final_norm(x), caches

    @property
    def embedding_factor(self) -> float:
        """What the embedding is multiplied by before the first block."""
        return self.config.dim**0.5 if self.config.scaled_embedding else 1.0

    @property
    def head_weight(self) -> nn.Parameter:
        """Rows of the head, [vocab, dim]: the embedding's where they are tied."""
        return self.embedding.weight if self.config.tied else self.head.weight

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits of the head: [..., dim] → [..., vocab]."""
        return F.linear(hidden, self.head_weight)

    def token_losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropies float32 [N] in nats of int64 targets [N] under hidden states [N, dim]."""
        return F.cross_entropy(self.logits(hidden).float(), targets, reduction="none")

    def mask_of(self, visible: Tensor, group: Tensor, lane: int, revealed: Tensor | None = None) -> Mask:
        """Who canvas positions may attend to, in the form that this model's attention takes (see attention.py)."""
        return (canvas_blocks if self.flex else canvas_mask)(visible, group, lane, revealed)

    def compile_for_training(self, flex: bool = False) -> None:
        """Compiles what training calls: sequences have one shape, the number of targets varies.

        On a GPU block by block: all of them run the same code, which is then compiled once, where the whole would take
        a minute of a short run. On a CPU the whole is 6 % faster. `flex`: with FlexAttention, for GPUs only.
        """
        self.flex = flex
        if self.embedding.weight.device.type == "cuda":
            for block in self.blocks:
                block.compile(dynamic=False)
        else:
            self.forward = torch.compile(self.forward, dynamic=False)  # type: ignore[method-assign]
        self.token_losses = torch.compile(self.token_losses, dynamic=True)  # type: ignore[method-assign]

    def matrices(self) -> list[nn.Parameter]:
        """Weights that Muon updates: the matrices inside the blocks."""
        return [p for p in self.blocks.parameters() if p.ndim == 2]

    def others(self) -> list[nn.Parameter]:
        """Weights that AdamW updates: the embedding, the head, biases and the norms' scales."""
        chosen = {id(p) for p in self.matrices()}
        return [p for p in self.parameters() if id(p) not in chosen]

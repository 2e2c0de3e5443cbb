"""Shapes of the network and of its sequences, in one place."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """Shape of the dual-reading transformer (Llama-like, see models/README.md)."""

    layers: int = 8
    dim: int = 256
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    ffn: int = 768
    vocab_size: int = 8192
    #: The most context tokens before the first `<fill>`.
    context_length: int = 512
    #: Token j of hole i stands at position P + hole_stride * i + 1 + j, P being the context length.
    hole_stride: int = 160
    max_holes: int = 8
    #: The most tokens one canvas holds.
    max_canvas: int = 128
    #: So many tokens of the text below are said once more behind the last hole, where a small model finds them.
    repeated_below: int = 0
    rope_base: float = 10_000.0
    norm_eps: float = 1e-6
    # What follows differs between the models trained here (the defaults) and adapted ones (see huggingface.py).
    #: Every norm has a learnt scale a channel, not one for all of them.
    channel_scales: bool = False
    #: The queries and keys of each head are normalised.
    qk_norm: bool = True
    #: Queries, keys and values have biases.
    qkv_bias: bool = False
    #: The head is the embedding.
    tied: bool = True
    #: The embedding is multiplied by √dim.
    scaled_embedding: bool = True

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise ValueError(f"heads ({self.heads}) must be a multiple of kv_heads ({self.kv_heads})")
        if self.hole_stride < self.max_canvas + 2:
            raise ValueError(
                f"hole_stride ({self.hole_stride}) must leave room for <fill>, {self.max_canvas} tokens and <eoh>"
            )

    @property
    def max_position(self) -> int:
        """One past the last position any hole can use."""
        return self.context_length + self.hole_stride * self.max_holes

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """Reads what `to_json` wrote; an unknown or missing key is an error that names it.

        Only switches may be missing: checkpoints older than them have their defaults.
        """
        values = json.loads(text)
        fields = dataclasses.fields(cls)
        known = {field.name for field in fields}
        needed = {field.name for field in fields if field.type != "bool"}
        odd = sorted((values.keys() - known) | (needed - values.keys()))
        if odd:
            raise ValueError(f"model config: unknown or missing keys {odd}; expected {sorted(known)}")
        return cls(**values)

    @classmethod
    def load(cls, path: Path) -> ModelConfig:
        return cls.from_json(path.read_text())


#: Named shapes. `small` is what two CPU cores can train in about an hour, `base` is for one 30-minute GPU run.
PRESETS: dict[str, ModelConfig] = {
    "tiny": ModelConfig(layers=2, dim=64, heads=2, kv_heads=1, head_dim=32, ffn=128, context_length=192),
    "small": ModelConfig(),
    "base": ModelConfig(
        layers=12,
        dim=512,
        heads=8,
        kv_heads=2,
        head_dim=64,
        ffn=1792,
        vocab_size=16_384,
        context_length=1536,
    ),
}


@dataclasses.dataclass(frozen=True)
class SequenceConfig:
    """Shape of one training sequence and the mixture of holes in it."""

    #: Positions of the causal lane: context and the clean fills.
    lane: int = 608
    #: Positions of the canvas lane: noised canvases, packed.
    canvas: int = 256
    #: The most context tokens; must not exceed ModelConfig.context_length.
    context: int = 512
    #: Shares of sequences with one hole, with several, and with one long middle.
    one_hole: float = 0.34
    several_holes: float = 0.33
    long_middle: float = 0.33
    #: How often each kind of hole is drawn (see holes.py).
    kinds: tuple[tuple[str, float], ...] = (("line", 0.45), ("syntax", 0.25), ("span", 0.2), ("rest_of_line", 0.1))
    no_suffix: float = 0.15
    #: The share of canvases that are masked completely; the others draw a rate from (min_rate, 1).
    fully_masked: float = 0.25
    min_rate: float = 0.15
    #: Share of complete canvases that end right at a visible <eoh>.
    cropped: float = 0.5
    #: A canvas token is predicted so many positions before its own: 1 as the causal reading does it, or 0.
    canvas_shift: int = 1
    #: The share of sequences whose context begins with chunks of other files of the package, where there are any, and
    #: which part of the context they may take at most, drawn anew each time.
    with_files: float = 0.5
    file_share: tuple[float, float] = (0.1, 0.4)
    canvas_sizes: tuple[int, ...] = (16, 32, 64, 128)
    canvas_weights: tuple[float, ...] = (0.5, 0.3, 0.15, 0.05)

    @property
    def positions(self) -> int:
        return self.lane + self.canvas


#: `small` has too little compute to learn everything: it sees mostly one hole that reaches to the end of its line,
#: which is what ghost text asks for. Its context is short, and what other files say is recalled (see recall.py).
_SMALL = SequenceConfig(
    canvas=384,
    one_hole=0.6,
    several_holes=0.3,
    long_middle=0.1,
    with_files=0.0,
    kinds=(("line", 0.55), ("syntax", 0.15), ("span", 0.1), ("rest_of_line", 0.2)),
)

#: The mixture each preset trains on, and forms of it for parts of a run: `-short` costs less attention, `-infill` has
#: more holes and canvases for each context.
SEQUENCES: dict[str, SequenceConfig] = {
    "tiny": SequenceConfig(lane=224, canvas=96, context=192),
    "small": _SMALL,
    "small-short": dataclasses.replace(_SMALL, lane=304, canvas=192, context=256),
    "small-infill": dataclasses.replace(
        _SMALL,
        lane=304,
        canvas=320,
        context=256,
        several_holes=0.35,
        long_middle=0.05,
        fully_masked=0.35,
        kinds=(("line", 0.5), ("syntax", 0.2), ("span", 0.12), ("rest_of_line", 0.18)),
    ),
    "base": SequenceConfig(lane=1664, canvas=896, context=1536),
}

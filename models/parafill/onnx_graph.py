"""Writes the network as one ONNX graph that serves encode, denoise and autoregression.

Weights are int8 per output channel, activations are quantised per row (token): no number of one token depends on
which other tokens share the call, which is what keeps the context cache exact. Weights use [-64, 64] only, because
x86 without VNNI adds pairs of u8 x s8 products in saturating 16 bits: 2 * 255 * 64 = 32,640 still fits.
The past is an input and is never concatenated with the block; only their scores are.
"""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from .model import Attention, RmsNorm, Transformer

WEIGHT_LIMIT = 64
ACTIVATION_LIMIT = 127
#: Added to scores that must not count; exp() of it is exactly 0 and it survives fp16.
MASKED = -1e4
_MICROSOFT = "com.microsoft"
_ZERO = np.array(128, np.uint8)

Attribute = int | float | list[int]


def quantise(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns of a float [in, out] matrix as int8 and their scales, float32 [out]."""
    scale = np.maximum(np.abs(matrix).max(axis=0), 1e-8) / WEIGHT_LIMIT
    return np.round(matrix / scale).astype(np.int8), scale.astype(np.float32)


class GraphBuilder:
    """Collects nodes and initialisers; every method returns the name of the value it made."""

    #: uint8 [N]: a zero point for each row that `rows` is to quantise.
    zero_points: str

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: dict[str, onnx.TensorProto] = {}
        self.count = 0

    def op(self, kind: str, *inputs: str, name: str = "", domain: str = "", **attributes: Attribute) -> str:
        return self.ops(kind, 1, *inputs, name=name, domain=domain, **attributes)[0]

    def ops(
        self, kind: str, outputs: int, *inputs: str, name: str = "", domain: str = "", **attributes: Attribute
    ) -> list[str]:
        """A node with several outputs."""
        self.count += 1
        base = name or f"{kind.lower()}_{self.count}"
        made = [base] if outputs == 1 else [f"{base}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), made, name=base, domain=domain, **attributes))
        return made

    def constant(self, value: np.ndarray, name: str = "") -> str:
        if not name:
            # Small constants that are equal share one initialiser.
            digest = hashlib.sha256(value.tobytes()).hexdigest()[:16]
            name = f"const_{value.dtype}_{'x'.join(map(str, value.shape))}_{digest}"
        if name not in self.initialisers:
            self.initialisers[name] = numpy_helper.from_array(value, name)
        return name

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def rows(self, x: str) -> tuple[str, str]:
        """Quantises float x [N, K] row by row: (uint8 with zero point 128, float scales [N, 1])."""
        largest = self.op("ReduceMax", self.op("Abs", x), self.ints(-1), keepdims=0)
        scale = self.op("Mul", largest, self.number(1 / ACTIVATION_LIMIT))
        # A row of zeros has scale 0: whatever it is quantised to is multiplied by 0 again.
        quantised = self.op("QuantizeLinear", x, scale, self.zero_points, axis=0)
        return quantised, self.op("Unsqueeze", scale, self.ints(1))

    def linear(self, quantised: tuple[str, str], weight: str, scale: str) -> str:
        """Quantised rows times an int8 matrix [K, M] with column scales: float [N, M]."""
        rows, row_scales = quantised
        inputs = [rows, weight, self.number(1.0), scale, self.constant(_ZERO)]
        return self.op("Mul", self.op("MatMulIntegerToFloat", *inputs, domain=_MICROSOFT), row_scales)

    def matrix(self, name: str, value: np.ndarray) -> tuple[str, str]:
        """Stores a float [in, out] matrix as int8; returns the names of it and of its scales."""
        weight, scale = quantise(value)
        return self.constant(weight, f"{name}.weight"), self.constant(scale, f"{name}.scale")

    def norm(self, x: str, norm: RmsNorm) -> str:
        return self.op("SimplifiedLayerNormalization", x, self._scales(norm), axis=-1, epsilon=norm.eps, stash_type=1)

    def norm_of_sum(self, x: str, added: str, norm: RmsNorm) -> tuple[str, str]:
        """norm(x + added), and the sum."""
        self.count += 1
        normed, total = f"normed_{self.count}", f"residual_{self.count}"
        node = helper.make_node(
            "SkipSimplifiedLayerNormalization",
            [x, added, self._scales(norm)],
            [normed, "", "", total],
            name=normed,
            domain=_MICROSOFT,
            epsilon=norm.eps,
        )
        self.nodes.append(node)
        return normed, total

    def _scales(self, norm: RmsNorm) -> str:
        return self.constant(np.full(norm.width, _numpy(norm.scale)))

    def masked_where(self, allowed: str) -> str:
        """0 where bool `allowed`, MASKED elsewhere."""
        return self.op("Where", allowed, self.number(0.0), self.number(MASKED))


def _numpy(weight: Tensor) -> np.ndarray:
    return weight.detach().cpu().float().numpy()


class _Attention:
    """What the attention of all layers shares: the tokens' places, who attends to whom, and shapes."""

    def __init__(self, g: GraphBuilder, model: Transformer) -> None:
        self.g, self.config = g, model.config
        heads, kv, width = self.config.heads, self.config.kv_heads, self.config.head_dim
        group = heads // kv
        self.cos, self.sin = g.constant(_numpy(model.cos), "rotary.cos"), g.constant(_numpy(model.sin), "rotary.sin")
        self.positions = g.op("Reshape", "positions", g.ints(1, -1))
        rows_and_columns = g.op("Shape", "ids")
        self.query_shape = g.op("Concat", rows_and_columns, g.ints(kv, group, width), axis=0)
        self.key_shape = g.op("Concat", rows_and_columns, g.ints(kv, width), axis=0)

        # Token q sees the past up to its length, and token k of its row where order[k] <= order[q].
        allowed = g.op("LessOrEqual", g.op("Unsqueeze", "order", g.ints(1)), g.op("Unsqueeze", "order", g.ints(2)))
        of_block = g.op("Unsqueeze", g.masked_where(allowed), g.ints(1))
        of_block = g.op("Concat", *[of_block] * group, axis=2) if group > 1 else of_block
        capacity = g.op("Shape", "past_key_0", start=2, end=3)
        scalar = g.op("Squeeze", capacity)
        slots = g.op("Range", g.constant(np.array(0, np.int64)), scalar, g.constant(np.array(1, np.int64)))
        # [P, 1, 1, C]: one past for all rows, or each row's own with a length of its own.
        of_past = g.masked_where(g.op("Less", slots, g.op("Unsqueeze", "past_length", g.ints(1, 2, 3))))
        spread = g.op("Concat", g.op("Shape", of_block, start=0, end=3), capacity, axis=0)
        #: float [B, 1, group * T, C + T], added to scores.
        self.mask = g.op("Concat", g.op("Expand", of_past, spread), of_block, axis=3)
        self.lengths = g.op("Concat", capacity, g.op("Shape", "ids", start=1), axis=0)

    def layer(self, index: int, attention: Attention, qkv: str) -> str:
        """From float [B * T, (heads + 2 kv) * width] to [B * T, heads * width]."""
        g, heads, kv, width = self.g, self.config.heads, self.config.kv_heads, self.config.head_dim
        both, v = g.ops("Split", 2, qkv, g.ints((heads + kv) * width, kv * width), axis=-1)
        rotated = self._rotated(both, attention)
        q, k = g.ops("Split", 2, rotated, g.ints(heads * width, kv * width), axis=-1)
        k = g.op("Transpose", g.op("Reshape", k, self.key_shape), perm=[0, 2, 1, 3], name=f"key_{index}")
        v = g.op("Transpose", g.op("Reshape", v, self.key_shape), perm=[0, 2, 1, 3], name=f"value_{index}")
        # Heads that share keys are stacked: [B, kv, group * T, width].
        q = g.op("Transpose", g.op("Reshape", q, self.query_shape), perm=[0, 2, 3, 1, 4])
        q = g.op("Reshape", q, g.ints(0, kv, -1, width))

        joined = g.op("Concat", self._scores(q, f"past_key_{index}"), self._scores(q, k), axis=-1)
        weights = g.op("Softmax", g.op("Add", joined, self.mask), axis=-1)
        to_past, to_block = g.ops("Split", 2, weights, self.lengths, axis=-1)
        y = g.op("Add", g.op("MatMul", to_past, f"past_value_{index}"), g.op("MatMul", to_block, v))
        y = g.op("Transpose", g.op("Reshape", y, g.ints(0, heads, -1, width)), perm=[0, 2, 1, 3])
        return g.op("Reshape", y, g.ints(-1, heads * width))

    def _rotated(self, both: str, attention: Attention) -> str:
        """Queries and keys, float [B * T, (heads + kv) * width], normalised and rotated: [1, B * T, the same]."""
        g, heads, kv, width = self.g, self.config.heads, self.config.kv_heads, self.config.head_dim
        if isinstance(attention.query_norm, RmsNorm) and isinstance(attention.key_norm, RmsNorm):
            split = g.op("Reshape", both, g.ints(0, heads + kv, width))
            ones = g.constant(np.ones(width, np.float32))
            eps = attention.query_norm.eps
            normed = g.op("SimplifiedLayerNormalization", split, ones, axis=-1, epsilon=eps, stash_type=1)
            norms = [attention.query_norm] * heads + [attention.key_norm] * kv
            both = g.op("Mul", normed, g.constant(np.stack([np.full(width, _numpy(n.scale)) for n in norms])))
        flat = g.op("Reshape", both, g.ints(1, -1, (heads + kv) * width))
        return g.op("RotaryEmbedding", flat, self.positions, self.cos, self.sin, domain=_MICROSOFT)

    def _scores(self, q: str, k: str) -> str:
        alpha = self.config.head_dim**-0.5
        return self.g.op("FusedMatMul", q, k, transB=1, alpha=alpha, domain=_MICROSOFT)


def build_graph(model: Transformer) -> onnx.ModelProto:
    """The ONNX model; its inputs and outputs are described in ARCHITECTURE.md, "The graph"."""
    config, g = model.config, GraphBuilder()
    ids = g.op("Reshape", "ids", g.ints(-1))
    g.zero_points = g.op("Expand", g.constant(_ZERO), g.op("Shape", ids))
    attention = _Attention(g, model)

    # Rows of the embedding are read, columns of the head multiplied; the runtime turns the one into the other when it
    # loads the graph.
    weight, scale = quantise(_numpy(model.embedding.weight).T)
    table, table_scale = g.constant(weight.T.copy(), "embedding.weight"), g.constant(scale, "embedding.scale")
    factor = g.number(model.embedding_factor)
    scales = g.op("Unsqueeze", g.op("Mul", g.op("Gather", table_scale, ids), factor), g.ints(1))
    x = g.op("Mul", g.op("Cast", g.op("Gather", table, ids), to=TensorProto.FLOAT), scales)

    added = ""
    for index, block in enumerate(model.blocks):

        def matrix(name: str, *weights: Tensor, index: int = index) -> tuple[str, str]:
            return g.matrix(f"blocks.{index}.{name}", np.concatenate([_numpy(weight) for weight in weights]).T)

        att, norm = block.attention, block.attention_norm
        y, x = g.norm_of_sum(x, added, norm) if added else (g.norm(x, norm), x)
        projections = (att.query, att.key, att.value)
        qkv = g.linear(g.rows(y), *matrix("qkv", *[p.weight for p in projections]))
        if config.qkv_bias:
            bias = np.concatenate([_numpy(p.bias) for p in projections])
            qkv = g.op("Add", qkv, g.constant(bias, f"blocks.{index}.qkv.bias"))
        added = g.linear(g.rows(attention.layer(index, att, qkv)), *matrix("output", att.output.weight))

        y, x = g.norm_of_sum(x, added, block.feed_norm)
        fed = g.rows(y)
        gate = g.linear(fed, *matrix("gate", block.gate.weight))
        up = g.linear(fed, *matrix("up", block.up.weight))
        y = g.op("Mul", g.op("QuickGelu", gate, alpha=1.0, domain=_MICROSOFT), up)
        added = g.linear(g.rows(y), *matrix("down", block.down.weight))

    wanted = g.op("Gather", g.op("Add", x, added), "wanted")
    g.zero_points = g.op("Expand", g.constant(_ZERO), g.op("Shape", "wanted"))
    final = g.norm(wanted, model.final_norm)
    head = (g.op("Transpose", table, perm=[1, 0]), table_scale)
    if not config.tied:
        head = g.matrix("head", _numpy(model.head_weight).T)
    g.op("LogSoftmax", g.linear(g.rows(final), *head), axis=-1, name="logits")
    return _finish(g, model)


def _finish(g: GraphBuilder, model: Transformer) -> onnx.ModelProto:
    config = model.config
    value, int64, real = helper.make_tensor_value_info, TensorProto.INT64, TensorProto.FLOAT
    past = ["P", config.kv_heads, "C", config.head_dim]
    block = ["B", config.kv_heads, "T", config.head_dim]
    layers = range(config.layers)
    inputs = [
        value("ids", int64, ["B", "T"]),
        value("positions", int64, ["B", "T"]),
        value("order", TensorProto.INT32, ["B", "T"]),
        value("past_length", int64, ["P"]),
        value("wanted", int64, ["W"]),
        *[value(f"past_{kind}_{i}", real, past) for i in layers for kind in ("key", "value")],
    ]
    outputs = [
        value("logits", real, ["W", config.vocab_size]),
        *[value(f"{kind}_{i}", real, block) for i in layers for kind in ("key", "value")],
    ]
    graph = helper.make_graph(g.nodes, "parafill", inputs, outputs, list(g.initialisers.values()))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="parafill")

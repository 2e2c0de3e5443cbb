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
from torch import Tensor, nn

from .model import RmsNorm, Transformer

WEIGHT_LIMIT = 64
ACTIVATION_LIMIT = 127
#: Added to scores that must not count; exp() of it is exactly 0 and it survives fp16.
MASKED = -1e4
_MICROSOFT = "com.microsoft"

Attribute = int | float | list[int]


def quantise(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns of a float [in, out] matrix as int8 and their scales, float32 [out]."""
    scale = np.maximum(np.abs(matrix).max(axis=0), 1e-8) / WEIGHT_LIMIT
    return np.round(matrix / scale).astype(np.int8), scale.astype(np.float32)


class GraphBuilder:
    """Collects nodes and initialisers; every method returns the name of the value it made."""

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
        """Quantises x [..., K] row by row: (uint8 with zero point 128, float scale [..., 1])."""
        largest = self.op("ReduceMax", self.op("Abs", x), self.ints(-1), keepdims=1)
        scale = self.op("Mul", self.op("Max", largest, self.number(1e-8)), self.number(1 / ACTIVATION_LIMIT))
        shifted = self.op("Add", self.op("Round", self.op("Div", x, scale)), self.number(128.0))
        return self.op("Cast", shifted, to=TensorProto.UINT8), scale

    def linear(self, quantised: tuple[str, str], weight: str, scale: str) -> str:
        """Quantised rows times an int8 matrix [K, N] with column scales: float [..., N]."""
        rows, row_scale = quantised
        one, zero = self.number(1.0), self.constant(np.array(128, np.uint8))
        product = self.op("MatMulIntegerToFloat", rows, weight, one, scale, zero, domain=_MICROSOFT)
        return self.op("Mul", product, row_scale)

    def matrix(self, name: str, value: np.ndarray) -> tuple[str, str]:
        """Stores a float [in, out] matrix as int8; returns the names of it and of its scales."""
        weight, scale = quantise(value)
        return self.constant(weight, f"{name}.weight"), self.constant(scale, f"{name}.scale")

    def norm(self, x: str, norm: RmsNorm) -> str:
        vector = self.constant(np.full(norm.width, _numpy(norm.scale)))
        return self.op("SimplifiedLayerNormalization", x, vector, axis=-1, epsilon=norm.eps, stash_type=1)

    def masked_where(self, allowed: str) -> str:
        """0 where bool `allowed`, MASKED elsewhere."""
        return self.op("Where", allowed, self.number(0.0), self.number(MASKED))


def _numpy(weight: Tensor) -> np.ndarray:
    return weight.detach().cpu().float().numpy()


def build_graph(model: Transformer) -> onnx.ModelProto:
    """The ONNX model; its inputs and outputs are described in ARCHITECTURE.md, "The graph"."""
    config, g = model.config, GraphBuilder()
    heads, kv, width = config.heads, config.kv_heads, config.head_dim
    group = heads // kv

    # Attention description, computed once for all layers.
    order = "order"
    allowed = g.op("LessOrEqual", g.op("Unsqueeze", order, g.ints(1)), g.op("Unsqueeze", order, g.ints(2)))
    block_mask = g.op("Unsqueeze", g.masked_where(allowed), g.ints(1))
    block_mask = g.op("Concat", *[block_mask] * group, axis=2) if group > 1 else block_mask
    capacity = g.op("Shape", "past_key_0", start=2, end=3)
    scalar = g.op("Squeeze", capacity)
    slots = g.op("Range", g.constant(np.array(0, np.int64)), scalar, g.constant(np.array(1, np.int64)))
    # [P, 1, 1, C]: one past for all rows, or each row's own with a length of its own.
    past_mask = g.masked_where(g.op("Less", slots, g.op("Unsqueeze", "past_length", g.ints(1, 2, 3))))

    table, table_scale = g.matrix("embedding", _numpy(model.embedding.weight).T)
    columns = g.op("Cast", g.op("Gather", table, "ids", axis=1), to=TensorProto.FLOAT)
    factor = g.constant(np.array(model.embedding_factor, np.float32))
    scales = g.op("Unsqueeze", g.op("Mul", g.op("Gather", table_scale, "ids"), factor), g.ints(2))
    x = g.op("Mul", g.op("Transpose", columns, perm=[1, 2, 0]), scales)

    cos, sin = (
        g.constant(_numpy(model.cos), "rotary.cos"),
        g.constant(_numpy(model.sin), "rotary.sin"),
    )

    def heads_of(y: str, count: int) -> str:
        return g.op("Reshape", y, g.ints(0, 0, count, width))

    def rotated(y: str, norm: RmsNorm | nn.Identity, name: str = "") -> str:
        normed = g.op("Transpose", g.norm(y, norm) if isinstance(norm, RmsNorm) else y, perm=[0, 2, 1, 3])
        return g.op("RotaryEmbedding", normed, "positions", cos, sin, domain=_MICROSOFT, name=name)

    def scores(q: str, k: str) -> str:
        return g.op("FusedMatMul", q, k, transB=1, alpha=width**-0.5, domain=_MICROSOFT)

    for index, block in enumerate(model.blocks):
        att = block.attention
        joined = np.concatenate([_numpy(p.weight) for p in (att.query, att.key, att.value)]).T
        y = g.rows(g.norm(x, block.attention_norm))
        y = g.linear(y, *g.matrix(f"blocks.{index}.qkv", joined))
        if config.qkv_bias:
            bias = np.concatenate([_numpy(p.bias) for p in (att.query, att.key, att.value)])
            y = g.op("Add", y, g.constant(bias, f"blocks.{index}.qkv.bias"))
        sizes = g.ints(heads * width, kv * width, kv * width)
        q, k, v = g.ops("Split", 3, y, sizes, axis=-1)
        q = rotated(heads_of(q, heads), att.query_norm)
        k = rotated(heads_of(k, kv), att.key_norm, name=f"key_{index}")
        v = g.op("Transpose", heads_of(v, kv), perm=[0, 2, 1, 3], name=f"value_{index}")

        # Heads that share keys are stacked: [B, kv, group * T, width].
        q = g.op("Reshape", q, g.ints(0, kv, -1, width))
        of_past = g.op("Add", scores(q, f"past_key_{index}"), past_mask)
        of_block = g.op("Add", scores(q, k), block_mask)
        weights = g.op("Softmax", g.op("Concat", of_past, of_block, axis=-1), axis=-1)
        to_past = g.op("Slice", weights, g.ints(0), capacity, g.ints(3))
        to_block = g.op("Slice", weights, capacity, g.ints(2**62), g.ints(3))
        y = g.op("Add", g.op("MatMul", to_past, f"past_value_{index}"), g.op("MatMul", to_block, v))
        y = g.op("Transpose", g.op("Reshape", y, g.ints(0, heads, -1, width)), perm=[0, 2, 1, 3])
        y = g.rows(g.op("Reshape", y, g.ints(0, 0, heads * width)))
        x = g.op("Add", x, g.linear(y, *g.matrix(f"blocks.{index}.output", _numpy(att.output.weight).T)))

        both = np.concatenate([_numpy(block.gate.weight), _numpy(block.up.weight)]).T
        y = g.rows(g.norm(x, block.feed_norm))
        joined_up = g.linear(y, *g.matrix(f"blocks.{index}.gate_up", both))
        gate, up = g.ops("Split", 2, joined_up, axis=-1, num_outputs=2)
        y = g.op("Mul", g.op("QuickGelu", gate, alpha=1.0, domain=_MICROSOFT), up)
        x = g.op(
            "Add",
            x,
            g.linear(g.rows(y), *g.matrix(f"blocks.{index}.down", _numpy(block.down.weight).T)),
        )

    wanted = g.op("Gather", g.op("Reshape", x, g.ints(-1, config.dim)), "wanted")
    final = g.norm(wanted, model.final_norm)
    head = (table, table_scale) if config.tied else g.matrix("head", _numpy(model.head_weight).T)
    logits = g.linear(g.rows(final), *head)
    g.op("Identity", logits, name="logits")
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

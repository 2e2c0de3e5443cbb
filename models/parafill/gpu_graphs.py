"""Derives the graphs of a model folder that GPUs work with from its int8 graph.

GPUs have no fast product of int8 rows, so there the same weights are multiplied as floats. The derived graphs hold
nodes only: their weights are the int8 ones of `model.onnx`, which they point into, and the runtime turns those into
floats once, when it loads the graph. Inputs and outputs are those of `model.onnx`, float32 also where the graph
computes in float16. A small graph beside them moves keys and values on the device.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

#: File names, each with whether the graph computes in float16.
FLOAT_GRAPHS = {"model.f16.onnx": True, "model.f32.onnx": False}
CACHE_GRAPH = "cache.onnx"
GPU_GRAPHS = [*FLOAT_GRAPHS, CACHE_GRAPH]

#: Bytes of smaller initialisers are copied: a pointer to them would not be shorter.
_SMALLEST_SHARED = 256


def _cast(source: str, target: str, to: int) -> NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"{target}.cast", to=to)


class _FloatNodes:
    """The nodes of an int8 graph with float products in place of quantised ones, without what only those needed."""

    def __init__(self, graph: GraphProto) -> None:
        self.made_by = {name: node for node in graph.node for name in node.output}
        #: Make the float matrices; none of them reads an input of the graph.
        self.weights: list[NodeProto] = []
        self.matrices: dict[tuple[str, str], str] = {}
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        products = [node for node in graph.node if node.op_type == "MatMulIntegerToFloat"]
        rescaled = {node.output[0] for node in products}
        nodes = []
        for node in graph.node:
            if node.op_type == "Mul" and node.input[0] in rescaled:
                rows, weight, _, scale, _ = self.made_by[node.input[0]].input
                inputs = [self._quantised_from(rows), self._matrix(weight, scale)]
                nodes.append(helper.make_node("MatMul", inputs, [node.output[0]], name=node.name))
            elif node.op_type == "FusedMatMul":
                nodes += self._scaled_product(node)
            elif node.output[0] not in rescaled:
                nodes.append(node)
        turned = {name for node in self.weights for name in node.output}
        needed = _needed(nodes, [output.name for output in graph.output])
        self.nodes = [node for node in needed if node.output[0] not in turned]

    def _matrix(self, weight: str, scale: str) -> str:
        """float32 [in, out]: what int8 columns and their scales stand for."""
        if (weight, scale) not in self.matrices:
            self.matrices[weight, scale] = f"{weight}.scaled"
            if weight in self.made_by:
                self.weights.append(self.made_by[weight])
            self.weights.append(_cast(weight, f"{weight}.real", TensorProto.FLOAT))
            names = [f"{weight}.real", scale], [f"{weight}.scaled"]
            self.weights.append(helper.make_node("Mul", *names, name=f"{weight}.scaled"))
        return self.matrices[weight, scale]

    def _scaled_product(self, node: NodeProto) -> list[NodeProto]:
        """alpha · a · bᵀ of matrices [B, H, M, K] and [B, H, N, K], in operations that GPUs have."""
        fused = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if fused.pop("transB") != 1 or set(fused) != {"alpha"}:
            raise ValueError(f"{node.name}: expected a product scaled by alpha and transposed on the right")
        left, right, made = *node.input, node.output[0]
        alpha = numpy_helper.from_array(np.array(fused["alpha"], np.float32), "attention.scale")
        self.constants[alpha.name] = alpha
        return [
            helper.make_node("Mul", [left, alpha.name], [f"{made}.scaled"], name=f"{made}.scaled"),
            helper.make_node("Transpose", [right], [f"{made}.right"], name=f"{made}.right", perm=[0, 1, 3, 2]),
            helper.make_node("MatMul", [f"{made}.scaled", f"{made}.right"], [made], name=made),
        ]

    def _quantised_from(self, rows: str) -> str:
        """The value whose rows were quantised."""
        node = self.made_by[rows]
        if node.op_type != "QuantizeLinear":
            raise ValueError(f"expected QuantizeLinear where rows are quantised, found {node.op_type} ({node.name})")
        return node.input[0]


def _needed(nodes: list[NodeProto], outputs: list[str]) -> list[NodeProto]:
    """The nodes that the outputs depend on, in the same order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]


def _in_float16(nodes: list[NodeProto], given: set[str], outputs: set[str]) -> list[NodeProto]:
    """The nodes computing in float16, with casts of the float32 values that are given and for the outputs.

    Logits are normalised in float32: whoever decodes needs their digits.
    """
    normalising = [node for node in nodes if node.op_type == "LogSoftmax"]
    nodes = [node for node in nodes if node not in normalising]
    outputs = outputs - {name for node in normalising for name in node.output}
    outputs |= {name for node in normalising for name in node.input}
    used = sorted(given.intersection(name for node in nodes for name in node.input))
    halved = {name: f"{name}.f16" for name in [*used, *outputs]}
    made = []
    for node in nodes:
        half = NodeProto()
        half.CopyFrom(node)
        for names in (half.input, half.output):
            names[:] = [halved.get(name, name) for name in names]
        for attribute in half.attribute:
            if node.op_type == "Cast" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.FLOAT16
        made.append(half)
    before = [_cast(name, halved[name], TensorProto.FLOAT16) for name in used]
    after = [_cast(halved[name], name, TensorProto.FLOAT) for name in sorted(outputs)]
    return [*before, *made, *after, *normalising]


def _pointing_into(tensor: TensorProto, data: bytes, location: str) -> TensorProto:
    """The tensor without its content, which is said to be where it stands in the file."""
    offset = data.find(tensor.raw_data)
    if offset < 0:
        raise ValueError(f"{tensor.name}: its content is not in {location}")
    pointer = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
    pointer.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", len(tensor.raw_data))):
        pointer.external_data.add(key=key, value=str(value))
    return pointer


def derive_float_graph(path: Path, in_float16: bool) -> onnx.ModelProto:
    """The float graph of the int8 graph at `path`, in whose folder it must be saved."""
    data = path.read_bytes()
    source = onnx.load_model_from_string(data)
    graph = source.graph
    found = _FloatNodes(graph)
    nodes = found.nodes
    if in_float16:
        tensors = [(name, tensor.data_type) for name, tensor in found.constants.items()]
        tensors += [(value.name, value.type.tensor_type.elem_type) for value in graph.input]
        given = {name for name, kind in tensors if kind == TensorProto.FLOAT} | set(found.matrices.values())
        nodes = _in_float16(nodes, given, {output.name for output in graph.output})
    nodes = [*found.weights, *nodes]
    used = {name for node in nodes for name in node.input}
    initialisers = [
        _pointing_into(tensor, data, path.name) if len(tensor.raw_data) >= _SMALLEST_SHARED else tensor
        for name, tensor in found.constants.items()
        if name in used
    ]
    derived = helper.make_graph(nodes, graph.name, graph.input, graph.output, initialisers)
    about = {"opset_imports": source.opset_import, "ir_version": source.ir_version}
    return helper.make_model(derived, producer_name=source.producer_name, **about)


def build_cache_graph(source: GraphProto) -> onnx.ModelProto:
    """For every layer, next[p, h, c] = the key (value) that slots[p, h, c] points at, among those of the past and,
    counted on behind them, of a block: so a cache is appended to, grown, copied and cut without leaving the device.

    Inputs are past_key_i and past_value_i [P, H, C, D], key_i and value_i [B, H, T, D] (float32), and slots, int32
    [P', H, C'], of rows of D numbers; outputs are next_key_i and next_value_i [P', H, C', D].
    """
    flat = numpy_helper.from_array(np.array([-1, _head_dim(source)], np.int64), "flat")
    slots = helper.make_tensor_value_info("slots", TensorProto.INT32, ["Pn", "H", "Cn"])
    nodes, inputs, outputs = [], [slots], []
    for past in source.input:
        if not past.name.startswith("past_") or past.name == "past_length":
            continue
        name = past.name.removeprefix("past_")
        block = next(output for output in source.output if output.name == name)
        kind = TensorProto.FLOAT
        outputs.append(helper.make_tensor_value_info(f"next_{name}", kind, ["Pn", "H", "Cn", _head_dim(source)]))
        inputs += [past, block]
        for one in (past.name, name):
            nodes.append(helper.make_node("Reshape", [one, "flat"], [f"{one}.flat"], name=f"{one}.flat"))
        both = [f"{past.name}.flat", f"{name}.flat"]
        nodes.append(helper.make_node("Concat", both, [f"{name}.both"], name=f"{name}.both", axis=0))
        picked = [f"{name}.both", "slots"]
        nodes.append(helper.make_node("Gather", picked, [f"next_{name}"], name=f"next_{name}", axis=0))
    graph = helper.make_graph(nodes, "parafill-cache", inputs, outputs, [flat])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _head_dim(source: GraphProto) -> int:
    past = next(value for value in source.input if value.name == "past_key_0")
    return past.type.tensor_type.shape.dim[3].dim_value


def save_gpu_graphs(folder: Path) -> None:
    """Writes what is derived from the folder's `model.onnx` beside it."""
    path = folder / "model.onnx"
    for name, in_float16 in FLOAT_GRAPHS.items():
        onnx.save(derive_float_graph(path, in_float16), str(folder / name))
    onnx.save(build_cache_graph(onnx.load(str(path)).graph), str(folder / CACHE_GRAPH))

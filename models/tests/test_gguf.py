"""The GGUF file, read back and computed as its architecture says, is the network read causally."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from shapes import SHAPES, random_network

from parafill.gguf_file import write_gguf
from parafill.model import Transformer
from parafill.tokenizer import load_tokenizer

TOKENIZER = Path(__file__).parent.parent / "parafill-small" / "tokenizer.json"


def file_logits(reader: GGUFReader, ids: list[int]) -> np.ndarray:
    """Logits [T, vocab] by the formulas of the architecture in float64, from what the file holds and nothing else."""
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tensors = {tensor.name: dequantize(tensor.data, tensor.tensor_type).astype(np.float64) for tensor in reader.tensors}
    architecture = fields["general.architecture"]
    assert architecture in ("qwen2", "qwen3")
    value = {name.removeprefix(f"{architecture}."): field for name, field in fields.items()}
    heads, kv, width = value["attention.head_count"], value["attention.head_count_kv"], value["attention.key_length"]
    eps, count = value["attention.layer_norm_rms_epsilon"], len(ids)

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * tensors[f"{name}.weight"]

    def rope(x: np.ndarray) -> np.ndarray:
        half = width // 2
        angle = np.arange(count)[:, None, None] * value["rope.freq_base"] ** (-np.arange(half) / half)
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], -1)

    def projected(y: np.ndarray, name: str, heads: int) -> np.ndarray:
        y = y @ tensors[f"{name}.weight"].T
        if architecture == "qwen2":
            y = y + tensors[f"{name}.bias"]
        y = y.reshape(count, heads, width)
        return norm(y, f"{name}_norm") if architecture == "qwen3" and not name.endswith("v") else y

    x = tensors["token_embd.weight"][ids]
    for index in range(value["block_count"]):
        part = f"blk.{index}"
        y = norm(x, f"{part}.attn_norm")
        q = rope(projected(y, f"{part}.attn_q", heads))
        k = rope(projected(y, f"{part}.attn_k", kv)).repeat(heads // kv, axis=1)
        v = projected(y, f"{part}.attn_v", kv).repeat(heads // kv, axis=1)
        scores = np.einsum("qhw,khw->hqk", q, k) / width**0.5
        scores[:, ~np.tri(count, dtype=bool)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        attended = np.einsum("hqk,khw->qhw", weights, v).reshape(count, heads * width)
        x = x + attended @ tensors[f"{part}.attn_output.weight"].T
        y = norm(x, f"{part}.ffn_norm")
        gate = y @ tensors[f"{part}.ffn_gate.weight"].T
        up = y @ tensors[f"{part}.ffn_up.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * up) @ tensors[f"{part}.ffn_down.weight"].T
    return norm(x, "output_norm") @ tensors["output.weight"].T


@pytest.fixture(scope="module", params=list(SHAPES))
def network(request: pytest.FixtureRequest) -> Transformer:
    model = random_network(request.param)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.half().float())  # values that float16 holds exactly
    return model


def test_the_file_is_the_network_read_causally(network: Transformer, tmp_path: Path) -> None:
    path = tmp_path / "twin.gguf"
    write_gguf(network, TOKENIZER, path, "test")
    ids = [11, 4, 3, *range(100, 124), 16, 24, 200, 201]
    with torch.no_grad():
        hidden, _ = network(torch.tensor([ids]), torch.arange(len(ids))[None], len(ids))
        expected = network.logits(hidden[0]).numpy()
    np.testing.assert_allclose(file_logits(GGUFReader(path), ids), expected, atol=1e-4)


def test_int8_weights_are_the_network_to_their_rounding(network: Transformer, tmp_path: Path) -> None:
    sixteen, eight = tmp_path / "f16.gguf", tmp_path / "q8.gguf"
    write_gguf(network, TOKENIZER, sixteen, "test")
    write_gguf(network, TOKENIZER, eight, "test", int8=True)
    assert eight.stat().st_size < 0.75 * sixteen.stat().st_size
    ids = [11, 4, 3, *range(100, 124)]
    expected, found = (file_logits(GGUFReader(path), ids) for path in (sixteen, eight))
    assert 0 < np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


def test_the_vocabulary_stands_in_the_order_of_ids(tmp_path: Path) -> None:
    path = tmp_path / "twin.gguf"
    write_gguf(random_network("own"), TOKENIZER, path, "test")
    fields = {name: field.contents() for name, field in GGUFReader(path).fields.items()}
    backend = load_tokenizer(TOKENIZER)._backend
    assert fields["tokenizer.ggml.tokens"] == [backend.id_to_token(i) for i in range(backend.get_vocab_size())]
    assert fields["tokenizer.ggml.eos_token_id"] == 2


def test_a_shape_that_gguf_does_not_have_is_refused(tmp_path: Path) -> None:
    other = Transformer(dataclasses.replace(SHAPES["qwen2"], qk_norm=True))
    with pytest.raises(ValueError, match="normalised queries and keys or biases, not both"):
        write_gguf(other, TOKENIZER, tmp_path / "twin.gguf", "test")


def test_a_tokenizer_of_another_size_is_refused(tmp_path: Path) -> None:
    other = Transformer(dataclasses.replace(SHAPES["own"], vocab_size=100))
    with pytest.raises(ValueError, match="8192 tokens, but the model has 100"):
        write_gguf(other, TOKENIZER, tmp_path / "twin.gguf", "test")

"""The exported graph says what the network says, keeps the cache exact, and the reference sampler obeys its laws."""

from __future__ import annotations

import copy
import itertools
import json
import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from shapes import SHAPES, random_network

from parafill.export import add_gpu_graphs, export_model
from parafill.gpu_graphs import GPU_GRAPHS, save_gpu_graphs
from parafill.model import Transformer
from parafill.onnx_graph import WEIGHT_LIMIT, GraphBuilder, build_graph, quantise
from parafill.onnx_model import OnnxModel
from parafill.random_model import padded_tokenizer, random_model
from parafill.sampler import Mulberry32, length_law, likeliest
from parafill.tokenizer import load_tokenizer

TOKENIZER = Path(__file__).parent.parent / "parafill-small" / "tokenizer.json"


@pytest.fixture(scope="module", params=list(SHAPES))
def network(request: pytest.FixtureRequest) -> Transformer:
    return random_network(request.param)


@pytest.fixture(scope="module")
def exported(network: Transformer, tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    onnx.save(build_graph(network), str(path))
    return OnnxModel(path, network.config)


CONTEXT = [int(i) for i in np.random.default_rng(0).integers(32, 8000, 70)]
CANVAS = [24, *[1] * 12]


def denoise(model: OnnxModel, chunk: int, rows: int) -> np.ndarray:
    cache = model.encode(CONTEXT, chunk)
    ids = np.array([CANVAS] * rows)
    positions = np.arange(len(CANVAS))[None].repeat(rows, 0) + len(CONTEXT)
    wanted = np.arange(1, len(CANVAS))
    return model.run(cache, ids, positions, np.zeros_like(ids), wanted)["logits"]


def test_graph_agrees_with_the_network(network: Transformer, exported: OnnxModel) -> None:
    ids = torch.tensor([CONTEXT + CANVAS])
    mask = torch.ones(1, len(CANVAS), ids.shape[1], dtype=torch.bool)
    with torch.no_grad():
        hidden, _ = network(ids, torch.arange(ids.shape[1])[None], len(CONTEXT), mask)
        expected = network.logits(hidden[0, len(CONTEXT) + 1 :]).log_softmax(-1).numpy()
    found = denoise(exported, 128, 1)
    assert np.exp(found).sum(-1) == pytest.approx(1, abs=1e-4)
    assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > 0.99


def test_cache_is_exact_up_to_single_quantisation_steps(exported: OnnxModel) -> None:
    """Sums in another order differ in the last bit; where that bit decides a rounding, one activation moves by one
    of 255 levels. Anything larger would mean that a token's numbers depend on its neighbours in the call."""
    whole = denoise(exported, 128, 1)
    assert np.abs(denoise(exported, 16, 1) - whole).max() < 0.02 * np.abs(whole).max()
    assert np.abs(denoise(exported, 128, 3) - whole).max() < 0.02 * np.abs(whole).max()


def test_rows_may_have_pasts_of_their_own(exported: OnnxModel) -> None:
    """As candidates that are read token by token have: keys and values of different lengths in one call."""
    caches = [exported.encode(CONTEXT), exported.encode(CONTEXT[:-2])]
    joined = exported.encode(CONTEXT)
    joined.buffers = {name: np.concatenate([cache.buffers[name] for cache in caches]) for name in joined.buffers}
    joined.length = [cache.length for cache in caches]
    ids, order = np.array([CANVAS, CANVAS]), np.zeros((2, len(CANVAS)))
    positions = np.arange(len(CANVAS))[None] + np.array([[cache.length] for cache in caches])
    wanted = np.arange(2 * len(CANVAS))
    together = exported.run(joined, ids, positions, order, wanted)["logits"].reshape(2, len(CANVAS), -1)
    for row, cache in enumerate(caches):
        alone = exported.run(cache, ids[:1], positions[row : row + 1], order[:1], wanted[: len(CANVAS)])["logits"]
        assert np.abs(together[row] - alone).max() < 0.02 * np.abs(alone).max()


def test_padding_is_not_seen(exported: OnnxModel) -> None:
    cache = exported.encode(CONTEXT)
    plain = denoise(exported, 128, 1)
    ids = np.array([[*CANVAS, 77, 78, 79]])
    positions = np.arange(ids.shape[1])[None] + len(CONTEXT)
    order = np.array([[0] * len(CANVAS) + [1] * 3])
    padded = exported.run(cache, ids, positions, order, np.arange(1, len(CANVAS)))["logits"]
    assert np.abs(padded - plain).max() < 0.02 * np.abs(plain).max()


def test_rows_of_zeros_stay_zeros(tmp_path: Path) -> None:
    network = random_network("own")
    with torch.no_grad():
        for block in network.blocks:
            block.attention.value.weight.zero_()
            block.up.weight.zero_()
    onnx.save(build_graph(network), str(tmp_path / "model.onnx"))
    assert np.isfinite(denoise(OnnxModel(tmp_path / "model.onnx", network.config), 128, 1)).all()


def test_weights_cannot_saturate_sixteen_bits() -> None:
    weight, scale = quantise(np.random.default_rng(0).normal(size=(50, 20)).astype(np.float32))
    assert 2 * 255 * int(np.abs(weight).max()) <= 2**15
    assert int(np.abs(weight).max()) == WEIGHT_LIMIT
    assert scale.shape == (20,)


def test_equal_beginnings_do_not_make_constants_equal() -> None:
    graph, zeros = GraphBuilder(), np.zeros(64, np.float32)
    other = zeros.copy()
    other[-1] = 1
    assert graph.constant(zeros) != graph.constant(other)
    assert graph.constant(zeros) == graph.constant(zeros.copy())


def test_export_writes_a_consistent_folder(tmp_path: Path) -> None:
    export_model(random_network("own"), TOKENIZER, tmp_path, "test", "0.0.1", {}, {})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["files"]["model.onnx"]["bytes"] == (tmp_path / "model.onnx").stat().st_size
    goldens = json.loads((tmp_path / "goldens.json").read_text())
    assert len(goldens["fills"]) == 8
    for golden in goldens["fills"]:
        holes = len(golden["request"]["segments"]) - 1
        assert all(len(candidate["fills"]) == holes for candidate in golden["candidates"])


@pytest.mark.parametrize(("name", "tolerance"), [("model.f32.onnx", 1e-3), ("model.f16.onnx", 0.05)])
def test_float_graphs_multiply_the_shipped_weights(
    network: Transformer, tmp_path: Path, name: str, tolerance: float
) -> None:
    """What they say is what the network with the int8 weights says, but for the rounding of float16."""
    path = tmp_path / "model.onnx"
    onnx.save(build_graph(network), str(path))
    save_gpu_graphs(tmp_path)
    rounded = copy.deepcopy(network)
    with torch.no_grad():
        for p in rounded.parameters():
            if p.ndim == 2:
                weight, scale = quantise(p.numpy().T)
                p.copy_(torch.from_numpy(weight * scale).T)
    ids = torch.tensor([CONTEXT + CANVAS])
    mask = torch.ones(1, len(CANVAS), ids.shape[1], dtype=torch.bool)
    with torch.no_grad():
        hidden, _ = rounded(ids, torch.arange(ids.shape[1])[None], len(CONTEXT), mask)
        expected = rounded.logits(hidden[0, len(CONTEXT) + 1 :]).log_softmax(-1).numpy()
    found = denoise(OnnxModel(tmp_path / name, network.config), 16, 1)
    assert np.abs(found - expected).max() < tolerance * np.abs(expected).max()
    assert (tmp_path / name).stat().st_size < path.stat().st_size / 4


def test_cache_graph_picks_keys_and_values(network: Transformer, tmp_path: Path) -> None:
    onnx.save(build_graph(network), str(tmp_path / "model.onnx"))
    save_gpu_graphs(tmp_path)
    session = onnxruntime.InferenceSession(str(tmp_path / "cache.onnx"), providers=["CPUExecutionProvider"])
    rng, config = np.random.default_rng(0), network.config
    past = {f"past_{kind}_{i}": (2, config.kv_heads, 5) for i in range(config.layers) for kind in ("key", "value")}
    block = {name.removeprefix("past_"): (1, config.kv_heads, 3) for name in past}
    feeds = {
        name: rng.normal(size=(*shape, config.head_dim)).astype(np.float32) for name, shape in (past | block).items()
    }
    slots = rng.integers(0, 13 * config.kv_heads, (3, config.kv_heads, 4)).astype(np.int32)
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(None, feeds | {"slots": slots}), strict=True))
    assert set(found) == {f"next_{name}" for name in block}
    for name in block:
        rows = [feeds[one].reshape(-1, config.head_dim) for one in (f"past_{name}", name)]
        assert np.array_equal(found[f"next_{name}"], np.concatenate(rows)[slots])


def test_gpu_graphs_are_added_to_an_older_folder(network: Transformer, tmp_path: Path) -> None:
    export_model(network, TOKENIZER, tmp_path, "test", "0.0.1", {}, {})
    whole = (tmp_path / "manifest.json").read_text()
    older = json.loads(whole)
    for name in GPU_GRAPHS:
        (tmp_path / name).unlink()
        del older["files"][name]
    (tmp_path / "manifest.json").write_text(json.dumps(older))
    add_gpu_graphs(tmp_path)
    assert (tmp_path / "manifest.json").read_text() == whole


def test_padded_tokenizer_reads_text_as_before(tmp_path: Path) -> None:
    padded_tokenizer(TOKENIZER, tmp_path / "tokenizer.json", 16_384)
    before, padded = load_tokenizer(TOKENIZER), load_tokenizer(tmp_path)
    assert padded.size == 16_384
    text = "const AAAA = { ABCD: 'ZZZZ' };\n"
    assert padded.encode(text) == before.encode(text)
    assert padded.decode([before.size, padded.size - 1]).isalpha()


def test_random_model_is_no_identity_and_always_the_same() -> None:
    first, second = random_model("tiny"), random_model("tiny")
    assert first.config.context_length >= 2048
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
        assert one.abs().max() > 0


def test_length_law_is_a_distribution_of_hazards() -> None:
    p = np.full((3, 4), 0.25)
    law = length_law(p, eoh=2, limit=3)
    assert law == pytest.approx([0, 0.25, 0.75 * 0.25, 0.75**2])
    assert law.sum() == pytest.approx(1)


def test_likeliest_agrees_with_trying_all() -> None:
    rng = np.random.default_rng(1)
    laws = [rng.dirichlet(np.ones(n)) for n in (4, 3, 5)]
    every = sorted(
        itertools.product(range(4), range(3), range(5)),
        key=lambda c: (-math.prod(law[j] for law, j in zip(laws, c, strict=True)), c),
    )
    assert likeliest(laws, 10) == every[:10]


def test_generator_is_the_published_one() -> None:
    generator = Mulberry32(1)
    assert [round(generator.next() * 2**32) for _ in range(3)] == [2693262067, 11749833, 2265367787]

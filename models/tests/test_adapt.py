"""Published checkpoints become networks of ours that say the same, and go through every stage."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import transformers
from corpus_fixtures import PYTHON, TYPESCRIPT, variant
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from parafill.adapted_model import adapt_checkpoint
from parafill.adapted_tokenizer import adapt_tokenizer
from parafill.attention import annealed, canvas_mask
from parafill.batches import BatchSource, SequenceBuilder
from parafill.checkpoint import CheckpointError, licence_of, load_info, load_model
from parafill.config import ModelConfig, SequenceConfig
from parafill.corpus.shards import id_type
from parafill.distill import DistillConfig, distill
from parafill.onnx_graph import build_graph
from parafill.onnx_model import OnnxModel
from parafill.pretraining import PretrainConfig, pretrain
from parafill.tokenizer import RESERVED, TokenizerError, load_tokenizer
from parafill.training import Budget

#: How Qwen2 and Qwen3 split text.
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
ARCHITECTURES = ["Llama", "Qwen2", "Qwen3"]
SHAPE = SequenceConfig(lane=128, canvas=96, context=100)


def published_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([variant(text, i) for text in (PYTHON, TYPESCRIPT) for i in range(3)], trainer)
    names = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
    tokenizer.add_tokens([AddedToken(name, special=True) for name in names])
    return tokenizer


def publish(folder: Path, kind: str, **changes: object) -> torch.nn.Module:
    """Writes a checkpoint's folder as the Hub has it, with random weights none of which is a neutral one."""
    tokenizer = published_tokenizer()
    torch.manual_seed(0)
    values = {
        "vocab_size": tokenizer.get_vocab_size() + 12, "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
        "max_position_embeddings": 2048, "tie_word_embeddings": kind == "Qwen2", **changes,
    }  # fmt: skip
    config = getattr(transformers, f"{kind}Config")(**values)
    model = getattr(transformers, f"{kind}ForCausalLM")(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.uniform_(0.5, 1.5) if "norm" in name else p.normal_(std=0.3)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n")
    return model


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_the_causal_reading_is_the_published_model(kind: str, tmp_path: Path) -> None:
    model = publish(tmp_path / "hub", kind)
    adapt_checkpoint(tmp_path / "hub", tmp_path / "ours", 200)
    ours, adapted = load_model(tmp_path / "ours"), adapt_tokenizer(tmp_path / "hub" / "tokenizer.json")
    assert load_tokenizer(tmp_path / "ours").size == ours.config.vocab_size
    text = PYTHON[:300]
    ids = adapted.tokenizer.encode(text)
    theirs = published_tokenizer().encode(text).ids
    assert [adapted.text_ids[i - 32] for i in ids] == theirs
    with torch.no_grad():
        expected = model(torch.tensor([theirs])).logits[0][:, adapted.text_ids]
        hidden, _ = ours(torch.tensor([ids]), torch.arange(len(ids))[None], len(ids))
        torch.testing.assert_close(ours.logits(hidden[0])[:, 32:], expected, atol=1e-4, rtol=1e-4)


def test_reserved_tokens_inherit_from_what_means_the_same(tmp_path: Path) -> None:
    model = publish(tmp_path / "hub", "Qwen2")
    adapt_checkpoint(tmp_path / "hub", tmp_path / "ours", 200)
    rows, published = load_model(tmp_path / "ours").embedding.weight, model.model.embed_tokens.weight
    tokenizer = published_tokenizer()
    for ours, theirs in (("pre", "fim_prefix"), ("suf", "fim_suffix"), ("eoh", "endoftext"), ("fill_3", "fim_middle")):
        assert torch.equal(rows[RESERVED.index(f"<|{ours}|>")], published[tokenizer.token_to_id(f"<|{theirs}|>")])
    assert torch.allclose(rows[RESERVED.index("<|mask|>")], rows[32:].mean(0), atol=1e-6)


def test_no_text_becomes_special_or_is_changed(tmp_path: Path) -> None:
    published_tokenizer().save(str(tmp_path / "tokenizer.json"))
    tokenizer = adapt_tokenizer(tmp_path / "tokenizer.json").tokenizer
    for text in ["<|endoftext|>", "e\u0301", "<|mask|>", "a\r\n\r\n  b", "日本語 🙂", " \n \u2028\n x"]:
        ids = tokenizer.encode(text)
        assert min(ids) >= 32 and tokenizer.decode(ids) == text


CHANGES = [
    ({"architectures": ["GPT2LMHeadModel"]}, "GPT2LMHeadModel is not supported; supported are LlamaForCausalLM"),
    ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "positions of type yarn are not supported"),
    ({"attention_bias": True}, "attention_bias is True; supported is False"),
    ({"intermediate_size": 40}, r"mlp.gate_proj.weight: expected shape \[40, 32\], found \[48, 32\]"),
    ({"num_hidden_layers": 3}, r"layers.2.input_layernorm.weight is missing; expected shape \[32\]"),
    ({"num_hidden_layers": 1}, "tensors have no place in this architecture, first model.layers.1"),
    ({"hidden_size": None}, "hidden_size is missing"),
    ({"max_position_embeddings": 1300}, "take a context of at most 20"),
    ({"vocab_size": 300}, "but config.json a vocab_size of 300"),
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    publish(folder, "Llama")
    return folder


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_what_does_not_fit_is_named(hub: Path, tmp_path: Path, change: dict, message: str) -> None:
    for path in hub.iterdir():
        (tmp_path / path.name).symlink_to(path)
    values = json.loads((hub / "config.json").read_text()) | change
    (tmp_path / "config.json").unlink()
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match=message):
        adapt_checkpoint(tmp_path, tmp_path / "out", 200)
    assert not (tmp_path / "out").exists()


def test_missing_files_licences_and_tokenizers_are_named(hub: Path, tmp_path: Path) -> None:
    for path in hub.iterdir():
        (tmp_path / path.name).symlink_to(path)
    adapt = functools.partial(adapt_checkpoint, tmp_path, tmp_path / "out", 200)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-1-of-2.safetensors"}}))
    with pytest.raises(CheckpointError, match=r"1 of 1 files are missing, first model-1-of-2\.safetensors"):
        adapt()
    index.unlink()
    (tmp_path / "README.md").unlink()
    with pytest.raises(CheckpointError, match="states no licence"):
        adapt()
    (tmp_path / "README.md").write_text("---\nlicense: llama3\n---\n")
    with pytest.raises(CheckpointError, match="licence llama3 is outside of the allowed list"):
        adapt()
    description = json.loads((hub / "tokenizer.json").read_text())
    description["model"]["byte_fallback"] = True
    (tmp_path / "byte.json").write_text(json.dumps(description))
    with pytest.raises(TokenizerError, match="expected a byte-level BPE, found BPE with byte_fallback"):
        adapt_tokenizer(tmp_path / "byte.json")


def test_sharded_checkpoints_are_read(tmp_path: Path) -> None:
    model = publish(tmp_path / "hub", "Qwen3")
    adapt_checkpoint(tmp_path / "hub", tmp_path / "whole", 200)
    (tmp_path / "hub" / "model.safetensors").unlink()
    model.save_pretrained(tmp_path / "hub", max_shard_size="20KB")
    assert (tmp_path / "hub" / "model.safetensors.index.json").exists()
    adapt_checkpoint(tmp_path / "hub", tmp_path / "parts", 200)
    for a, b in zip(
        load_model(tmp_path / "whole").parameters(), load_model(tmp_path / "parts").parameters(), strict=True
    ):
        assert torch.equal(a, b)


def test_annealing_goes_from_a_causal_reading_to_both_directions() -> None:
    generator = torch.Generator().manual_seed(0)
    visible, group = torch.tensor([[1] * 4]), torch.tensor([[0, 0, 0, 1]])
    causal = canvas_mask(visible, group, 2, annealed(1, 4, 0.0, generator))[0].int().tolist()
    assert causal == [[1, 0, 1, 0, 0, 0], [1, 0, 1, 1, 0, 0], [1, 0, 1, 1, 1, 0], [1, 0, 0, 0, 0, 1]]
    whole = canvas_mask(visible, group, 2, annealed(1, 4, 1.0, generator))
    assert torch.equal(whole, canvas_mask(visible, group, 2))
    share = annealed(4, 200, 0.25, generator).float().triu(1).sum() / (4 * 200 * 199 / 2)
    assert share.item() == pytest.approx(0.25, abs=0.01)


def test_shards_hold_every_id_of_a_large_vocabulary() -> None:
    assert (id_type(65_536), id_type(65_537)) == (np.uint16, np.uint32)


@dataclasses.dataclass
class OneDocument:
    ids: np.ndarray
    language: str = "python"
    package: str = "p"
    path: str = "a.py"

    @property
    def lengths(self) -> np.ndarray:
        return np.array([len(self.ids)])

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> OneDocument:
        return self


def make_source(tokenizer: Path, model: ModelConfig) -> BatchSource:
    loaded = load_tokenizer(tokenizer)
    shape = dataclasses.replace(SHAPE, with_files=0.0)
    return BatchSource(OneDocument(np.array(loaded.encode(PYTHON * 3))), SequenceBuilder(loaded, model, shape), 2, 1)


@pytest.mark.parametrize("kind", ["Qwen2"])
def test_from_published_to_exported(kind: str, tmp_path: Path) -> None:
    publish(tmp_path / "hub", kind)
    start, run = tmp_path / "ours", tmp_path / "run"
    adapt_checkpoint(tmp_path / "hub", start, 200)
    config = ModelConfig.load(start / "config.json")
    source = functools.partial(make_source, start / "tokenizer.json", config)
    training = PretrainConfig(Budget(steps=2), compile=False, anneal=0.9)
    pretrained = pretrain(config, training, source, None, run, start)
    assert licence_of(load_info(pretrained)) == "Apache-2.0"
    eoh = load_tokenizer(start).special.eoh
    student = distill(pretrained, DistillConfig(Budget(steps=1), (0.5,), compile=False), source, run, eoh)[-1]
    assert licence_of(load_info(student)) == "Apache-2.0"
    model = load_model(student).eval()
    assert not torch.equal(model.embedding.weight, load_model(start).embedding.weight)
    onnx.save(build_graph(model), str(tmp_path / "model.onnx"))
    ids = load_tokenizer(start).encode(PYTHON)[:40]
    graph, index = OnnxModel(tmp_path / "model.onnx", config), np.arange(8)[None]
    found = graph.run(graph.encode(ids[:32]), np.array([ids[32:]]), index + 32, index, np.arange(8))["logits"]
    with torch.no_grad():
        hidden, _ = model(torch.tensor([ids]), torch.arange(40)[None], 40)
        expected = model.logits(hidden[0, 32:]).log_softmax(-1).numpy()
    # Rows of 32 channels round more coarsely in int8 than those of test_export.py.
    assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > 0.98

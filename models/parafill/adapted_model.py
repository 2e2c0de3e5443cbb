"""A published autoregressive checkpoint as a network of ours: the same logits, read causally.

Its folder is what the Hugging Face Hub has: config.json, model.safetensors (or several files and their index),
tokenizer.json, README.md. Embeddings move behind our reserved tokens (see adapted_tokenizer.py).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from .adapted_tokenizer import AdaptedTokenizer, adapt_tokenizer
from .checkpoint import CheckpointError, save_checkpoint
from .config import ModelConfig
from .corpus.manifest import ALLOWED_LICENCES
from .model import Transformer
from .tokenizer import RESERVED, save_tokenizer

#: The architectures that are our network with other switches.
ARCHITECTURES: dict[str, dict[str, bool]] = {
    "LlamaForCausalLM": {"qk_norm": False, "qkv_bias": False},
    "Qwen2ForCausalLM": {"qk_norm": False, "qkv_bias": True},
    "Qwen3ForCausalLM": {"qk_norm": True, "qkv_bias": False},
}

#: What config.json may say, where it changes the network; absent is fine.
_EXPECTED = {
    "hidden_act": ("silu",),
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "use_sliding_window": (False,),
    "quantization_config": (None,),
}

_BLOCK_NAMES = {
    "attention_norm.scale": "input_layernorm.weight",
    **{
        f"attention.{ours}.{kind}": f"self_attn.{theirs}_proj.{kind}"
        for ours, theirs in (("query", "q"), ("key", "k"), ("value", "v"))
        for kind in ("weight", "bias")
    },
    "attention.output.weight": "self_attn.o_proj.weight",
    "attention.query_norm.scale": "self_attn.q_norm.weight",
    "attention.key_norm.scale": "self_attn.k_norm.weight",
    "feed_norm.scale": "post_attention_layernorm.weight",
    "gate.weight": "mlp.gate_proj.weight",
    "up.weight": "mlp.up_proj.weight",
    "down.weight": "mlp.down_proj.weight",
}
_OTHER_NAMES = {
    "embedding.weight": "model.embed_tokens.weight",
    "head.weight": "lm_head.weight",
    "final_norm.scale": "model.norm.weight",
}


def adapt_checkpoint(folder: Path, out: Path, context: int, licence: str | None = None) -> dict:
    """Writes the checkpoint and its tokenizer.json into `out`; returns what became of the vocabulary."""
    info = {"stage": "adapt", "source": folder.resolve().name, "licence": stated_licence(folder, licence)}
    adapted = adapt_tokenizer(folder / "tokenizer.json")
    model = adapt_model(folder, adapted, context)
    save_checkpoint(out, model, info)
    save_tokenizer(adapted.tokenizer, out / "tokenizer.json")
    return {
        "out": str(out),
        **info,
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": adapted.tokenizer.size,
        "inherited": [RESERVED[ours] for ours in sorted(adapted.reserved_ids)],
        "leftOut": len(adapted.left_out),
    }


def adapted_config(folder: Path, vocab_size: int, context_length: int) -> ModelConfig:
    """Our shape of a published one; a CheckpointError names the key of config.json that does not fit."""
    path = folder / "config.json"
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such file; expected the folder of a published checkpoint") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: not valid JSON: {error}") from error

    def needed(key: str) -> Any:  # noqa: ANN401
        if values.get(key) is None:
            raise CheckpointError(f"{path}: {key} is missing")
        return values[key]

    architecture = needed("architectures")[0]
    if architecture not in ARCHITECTURES:
        raise CheckpointError(f"{path}: {architecture} is not supported; supported are {', '.join(ARCHITECTURES)}")
    for key, allowed in _EXPECTED.items():
        if values.get(key, allowed[0]) not in allowed:
            raise CheckpointError(f"{path}: {key} is {values[key]!r}; supported is {allowed[0]!r}")
    if odd := set(values.get("layer_types") or []) - {"full_attention"}:
        raise CheckpointError(f"{path}: layer_types has {odd.pop()}; supported is full_attention")
    config = ModelConfig(
        layers=needed("num_hidden_layers"),
        dim=needed("hidden_size"),
        heads=needed("num_attention_heads"),
        kv_heads=values.get("num_key_value_heads") or needed("num_attention_heads"),
        head_dim=values.get("head_dim") or needed("hidden_size") // needed("num_attention_heads"),
        ffn=needed("intermediate_size"),
        vocab_size=vocab_size,
        context_length=context_length,
        rope_base=_rope_base(values, path),
        norm_eps=needed("rms_norm_eps"),
        channel_scales=True,
        tied=bool(values.get("tie_word_embeddings", False)),
        scaled_embedding=False,
        **ARCHITECTURES[architecture],
    )
    if (most := needed("max_position_embeddings")) < config.max_position:
        room = most - (config.max_position - context_length)
        raise CheckpointError(
            f"{path}: a context of {context_length} tokens needs {config.max_position} positions, but the checkpoint "
            f"has {most}; take a context of at most {room}"
        )
    return config


def _rope_base(values: dict[str, Any], path: Path) -> float:
    """Older files have rope_theta and rope_scaling, newer ones both in rope_parameters."""
    rope = values.get("rope_parameters") or {
        **(values.get("rope_scaling") or {}),
        "rope_theta": values.get("rope_theta"),
    }
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise CheckpointError(f"{path}: rotary positions of type {kind} are not supported; supported is default")
    return float(rope.get("rope_theta") or 10_000.0)


class _Tensors:
    """The tensors of a folder by name, over all of its files; read when asked for."""

    def __init__(self, folder: Path) -> None:
        single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
        if index.exists():
            try:
                names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            except (ValueError, KeyError, AttributeError) as error:
                raise CheckpointError(f"{index}: not an index of tensors: {error!r}") from error
            missing = [name for name in names if not (folder / name).exists()]
            if missing:
                raise CheckpointError(f"{index}: {len(missing)} of {len(names)} files are missing, first {missing[0]}")
            paths = [folder / name for name in names]
        elif single.exists():
            paths = [single]
        else:
            raise CheckpointError(
                f"{folder}: expected model.safetensors or model.safetensors.index.json, found neither"
            )
        self._files: dict[str, tuple[Path, Any]] = {}
        for path in paths:
            try:
                file = safe_open(path, framework="pt")
            except Exception as error:  # the library raises nothing narrower
                raise CheckpointError(f"{path}: damaged: {error}") from error
            self._files.update({name: (path, file) for name in file.keys()})  # noqa: SIM118
        self.folder = folder

    @property
    def names(self) -> set[str]:
        return set(self._files)

    def take(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """The tensor; a CheckpointError names it where it is missing or has another shape."""
        if name not in self._files:
            raise CheckpointError(f"{self.folder}: tensor {name} is missing; expected shape {list(shape)}")
        path, file = self._files[name]
        found = tuple(file.get_slice(name).get_shape())
        if found != shape:
            raise CheckpointError(f"{path}: tensor {name}: expected shape {list(shape)}, found {list(found)}")
        return file.get_tensor(name)


def adapt_model(folder: Path, adapted: AdaptedTokenizer, context_length: int) -> Transformer:
    """The network with the folder's weights, in float32; a CheckpointError names the tensor that does not fit."""
    config = adapted_config(folder, adapted.tokenizer.size, context_length)
    rows = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    largest = max(*adapted.text_ids, *adapted.reserved_ids.values(), 0)
    if largest >= rows:
        raise CheckpointError(f"{folder}: tokenizer.json has id {largest}, but config.json a vocab_size of {rows}")
    tensors = _Tensors(folder)
    model = Transformer(config)
    named = {name: _published_name(name) for name, _ in model.named_parameters()}
    # Whatever else stands in the files is a part of the network that ours does not have, or follows from the rest.
    spare = {"lm_head.weight"} if config.tied else set()
    left = tensors.names - set(named.values()) - spare
    odd = sorted(name for name in left if not name.endswith("rotary_emb.inv_freq"))
    if odd:
        raise CheckpointError(f"{folder}: {len(odd)} tensors have no place in this architecture, first {odd[0]}")
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name in ("embedding.weight", "head.weight"):
                p.copy_(_behind_reserved(tensors.take(named[name], (rows, config.dim)).float(), adapted))
            else:
                p.copy_(tensors.take(named[name], tuple(p.shape)).float())
    return model


def _published_name(name: str) -> str:
    block = re.fullmatch(r"blocks\.(\d+)\.(.*)", name)
    return f"model.layers.{block[1]}.{_BLOCK_NAMES[block[2]]}" if block else _OTHER_NAMES[name]


def _behind_reserved(published: Tensor, adapted: AdaptedTokenizer) -> Tensor:
    """Rows [our vocabulary, dim] of published rows: reserved tokens get those of their counterpart, or the mean."""
    text = published[adapted.text_ids]
    reserved = text.mean(0, keepdim=True).repeat(adapted.tokenizer.first_text, 1)
    for ours, theirs in adapted.reserved_ids.items():
        reserved[ours] = published[theirs]
    return torch.cat([reserved, text])


def stated_licence(folder: Path, given: str | None = None) -> str:
    """The SPDX licence that the folder's README.md states, or else the one that is given; it must be an allowed one."""
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    front = re.match(r"---\n(.*?\n)---\n", text, re.DOTALL)
    stated = re.search(r"^license:[ \t]*(?:\n- *)?(\S+)", front[1], re.MULTILINE) if front else None
    found = stated[1].strip("\"'") if stated else given
    allowed = {licence.lower(): licence for licence in ALLOWED_LICENCES}
    if found is None:
        raise CheckpointError(f"{path}: states no licence; find out which it is and give it with --licence")
    if found.lower() not in allowed:
        raise CheckpointError(
            f"{path if stated else '--licence'}: licence {found} is outside of the allowed list: "
            f"{', '.join(sorted(ALLOWED_LICENCES))}"
        )
    return allowed[found.lower()]

"""The autoregressive twin as a GGUF file, which other runtimes read.

Read causally the network is a Qwen3: RMSNorm, rotated halves, normalised queries and keys, SwiGLU, grouped queries; or,
without the normalised queries and keys, a Qwen2, whose biases are zeros where there are none. Two things are written
out: a norm's one scale is repeated for every channel, and the embedding carries its factor, so that it and the head,
which has none, are two tensors. Vocabulary and merges are there, but not our way of splitting text before
merging, which no runtime knows: tokenise with tokenizer.json and hand over ids.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType, TokenType
from gguf.quants import quantize
from torch import Tensor, nn

from .model import RmsNorm, Transformer
from .tokenizer import load_tokenizer


def write_gguf(
    model: Transformer, tokenizer_path: Path, target: Path, name: str, licence: str = "MIT", *, int8: bool = False
) -> None:
    """Writes matrices as float16, or as int8 with a scale for every 32 weights (Q8_0), and norms as float32."""
    config, tokenizer = model.config, load_tokenizer(tokenizer_path)
    if tokenizer.size != config.vocab_size:
        raise ValueError(f"{tokenizer_path}: {tokenizer.size} tokens, but the model has {config.vocab_size}")
    if config.qk_norm and config.qkv_bias:
        raise ValueError("expected normalised queries and keys or biases, not both: no architecture of GGUF has them")
    writer = GGUFWriter(str(target), "qwen3" if config.qk_norm else "qwen2")
    writer.add_name(name)
    writer.add_license(licence)
    writer.add_file_type(LlamaFileType.MOSTLY_Q8_0 if int8 else LlamaFileType.MOSTLY_F16)
    writer.add_context_length(config.max_position)
    writer.add_embedding_length(config.dim)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.ffn)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_freq_base(config.rope_base)
    writer.add_layer_norm_rms_eps(config.norm_eps)

    description = json.loads(tokenizer_path.read_text(encoding="utf-8"))["model"]
    tokens = sorted(description["vocab"], key=description["vocab"].__getitem__)
    kinds = [TokenType.CONTROL if i < tokenizer.first_text else TokenType.NORMAL for i in range(tokenizer.size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(merge) for merge in description["merges"]])
    writer.add_eos_token_id(tokenizer.special.eoh)
    writer.add_pad_token_id(tokenizer.special.pad)
    writer.add_add_bos_token(False)

    def matrix(key: str, weight: Tensor) -> None:
        kind = GGMLQuantizationType.Q8_0 if int8 else GGMLQuantizationType.F16
        writer.add_tensor(f"{key}.weight", quantize(weight.detach().cpu().numpy(), kind), raw_dtype=kind)

    def norm(key: str, norm: RmsNorm) -> None:
        writer.add_tensor(f"{key}.weight", np.full(norm.width, norm.scale.detach().cpu().numpy()))

    def bias(key: str, linear: nn.Linear) -> None:
        values = torch.zeros(linear.out_features) if linear.bias is None else linear.bias.detach().cpu()
        writer.add_tensor(f"{key}.bias", values.numpy())

    matrix("token_embd", model.embedding.weight * model.embedding_factor)
    matrix("output", model.head_weight)
    norm("output_norm", model.final_norm)
    for index, block in enumerate(model.blocks):
        part, attention = f"blk.{index}", block.attention
        norm(f"{part}.attn_norm", block.attention_norm)
        matrix(f"{part}.attn_q", attention.query.weight)
        matrix(f"{part}.attn_k", attention.key.weight)
        matrix(f"{part}.attn_v", attention.value.weight)
        matrix(f"{part}.attn_output", attention.output.weight)
        if config.qk_norm:
            norm(f"{part}.attn_q_norm", attention.query_norm)
            norm(f"{part}.attn_k_norm", attention.key_norm)
        else:
            bias(f"{part}.attn_q", attention.query)
            bias(f"{part}.attn_k", attention.key)
            bias(f"{part}.attn_v", attention.value)
        norm(f"{part}.ffn_norm", block.feed_norm)
        matrix(f"{part}.ffn_gate", block.gate.weight)
        matrix(f"{part}.ffn_up", block.up.weight)
        matrix(f"{part}.ffn_down", block.down.weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

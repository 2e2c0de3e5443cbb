"""The exported graph behind the same interface the server uses: encode, denoise, read autoregressively."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from .config import ModelConfig


class KvCache:
    """Keys and values of a context; `length` positions are valid. Buffers are [1, kv_heads, capacity, head_dim]."""

    def __init__(self, config: ModelConfig, capacity: int) -> None:
        shape = (1, config.kv_heads, capacity, config.head_dim)
        self.buffers = {
            f"past_{kind}_{i}": np.zeros(shape, np.float32) for i in range(config.layers) for kind in ("key", "value")
        }
        self.length = 0

    def append(self, outputs: dict[str, np.ndarray], count: int) -> None:
        for name, buffer in self.buffers.items():
            buffer[:, :, self.length : self.length + count] = outputs[name.removeprefix("past_")][:1, :, :count]
        self.length += count


class OnnxModel:
    """One onnxruntime session on the CPU."""

    def __init__(self, path: Path, config: ModelConfig, threads: int = 2) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.config = config
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    def run(
        self,
        cache: KvCache,
        ids: np.ndarray,
        positions: np.ndarray,
        order: np.ndarray,
        wanted: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """ids, positions, order: [B, T]; wanted: flat indices [W]. Returns logits [W, vocab], key_i, value_i."""
        feeds = {
            "ids": ids.astype(np.int64),
            "positions": positions.astype(np.int64),
            "order": order.astype(np.int32),
            "past_length": np.array(cache.length, np.int64).reshape(-1),
            "wanted": wanted.astype(np.int64),
            **cache.buffers,
        }
        return dict(zip(self.names, self.session.run(None, feeds), strict=True))

    def encode(self, ids: list[int], chunk: int = 128) -> KvCache:
        """The cache of a context of 1 … context_length tokens, with room for every hole behind it."""
        cache = KvCache(self.config, self.config.max_position)
        for start in range(0, len(ids), chunk):
            part = np.array([ids[start : start + chunk]])
            count = part.shape[1]
            index = np.arange(count)[None]
            cache.append(self.run(cache, part, index + start, index, np.array([count - 1])), count)
        return cache

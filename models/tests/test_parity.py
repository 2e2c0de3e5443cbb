"""The two programs that decode, the reference here and the product's engine, run side by side on this machine."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from parafill.config import ModelConfig
from parafill.onnx_model import OnnxModel
from parafill.sampler import Decoding, Infill
from parafill.tokenizer import load_tokenizer
from tasks.engine import EngineOptions, run_engine

MODELS = Path(__file__).resolve().parent.parent
SHIPPED = MODELS / "parafill-small"

REQUESTS = [
    ("python", ["def mean(values):\n    total = sum(values)\n    return ", "\n\n\ndef largest(values):\n"]),
    ("typescript", ["for (const item of ", ") {\n  total += ", ";\n}\n"]),
    ("javascript", ["const names = people.map((person) => ", ");\nconsole.log(names);\n"]),
]


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
@pytest.mark.parametrize("steps", [1, 4, 8])
def test_reference_and_engine_fill_alike(steps: int) -> None:
    tokenizer = load_tokenizer(SHIPPED / "tokenizer.json")
    infill = Infill(
        OnnxModel(SHIPPED / "model.onnx", ModelConfig.load(SHIPPED / "checkpoint" / "config.json")), tokenizer
    )
    decoding = replace(Decoding(), steps=steps, max_tokens=12, seed=1)
    requests = [
        {"id": str(i), "language": language, "segments": segments, "maxTokens": decoding.max_tokens}
        for i, (language, segments) in enumerate(REQUESTS)
    ]
    answers = run_engine(MODELS.parent, requests, EngineOptions(steps=steps, seed=decoding.seed))
    for i, (language, segments) in enumerate(REQUESTS):
        best = infill.fill(language, segments, decoding)[0]
        assert answers[str(i)].fills[0] == infill.texts(segments, best), REQUESTS[i]

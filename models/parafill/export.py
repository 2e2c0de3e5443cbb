"""From a checkpoint to a folder that can be shipped: graph, tokenizer, manifest, goldens."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import platform
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from .checkpoint import licence_of
from .config import ModelConfig
from .gpu_graphs import GPU_GRAPHS, save_gpu_graphs
from .model import Transformer
from .ngrams import FILE as NGRAMS
from .ngrams import Ngrams
from .onnx_graph import build_graph
from .onnx_model import KvCache, OnnxModel
from .recall import RecallWeights
from .sampler import CANVAS_SIZES, Decoding, Infill, log_softmax
from .tokenizer import CodeTokenizer, load_tokenizer
from .workspace import Chunk

#: The part of the context that chunks of other files may take, where the model knows them (see LOG.md).
FILE_SHARE = 0.25
#: Texts every tokenizer implementation must agree on, odd ones first.
_TOKENIZER_TEXTS = [
    "",
    " ",
    "\n\n\t\tx",
    "<|mask|> <|eoh|>",
    "a\r\nb\r\n\r\n    c",
    "naïve café 日本語 🙂 e\u0301",
    "for (let i = 0; i < 10_000; i++) {\n        total += values[i] ?? 0;\n}",
    'def f(x: int) -> str:\n    """Doc."""\n    return f\'{x:>10}\'\n',
    "const a = b?.c ?? {...d, e: [1, 2, 345678]};",
    "    \t  mixed \t indentation  ",
]

#: What a model that knows files is shown in front of the last request.
_CHUNKS = [
    Chunk(
        "src/ledger.ts", "export class Ledger {\n  append(entry: Entry): void {\n    this.entries.push(entry);\n  }\n}"
    ),
    Chunk("src/entry.ts", "export interface Entry {\n  readonly amount: number;\n  readonly day: string;\n}"),
]

_FILL_REQUESTS: list[tuple[str, list[str], Decoding]] = [
    ("python", ["import os\nimport ", "\n\n\ndef main():\n    print(os.getcwd())\n"], Decoding(max_tokens=16)),
    ("python", ["def add(a, b):\n    return ", "\n\n\nprint(add(1, 2))\n"], Decoding(max_tokens=16, steps=1)),
    (
        "typescript",
        [
            "export function sum(values: number[]): number {\n  let total = 0;\n  for (const value of ",
            ") {\n    total += ",
            ";\n  }\n  return total;\n}\n",
        ],
        Decoding(max_tokens=16, steps=4),
    ),
    (
        "typescript",
        ["import * as path from 'path';\n\nconst file = path.join(", ");\nconsole.log(file);\n"],
        Decoding(max_tokens=32, steps=8, candidates=4, temperature=0.8, seed=7),
    ),
    ("javascript", ["const items = [1, 2, 3];\nitems.forEach(", ""], Decoding(max_tokens=32, steps=2, candidates=3)),
    ("python", ["class Stack:\n    def __init__(self):\n        ", "\n"], Decoding(max_tokens=160, steps=4)),
    (
        "typescript",
        ["export class Queue<T> {\n", "}\n"],
        Decoding(max_tokens=200, steps=4, candidates=2, temperature=0.7, seed=3),
    ),
    ("typescript", ["const ledger = new Ledger();\nledger.", ";\n"], Decoding(max_tokens=16)),
]  # fmt: skip


def _entry(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def knows_files(training: dict) -> bool:
    """Whether a checkpoint's record says that its contexts had chunks of other files."""
    return bool(training.get("with_files")) or ("from" in training and knows_files(training["from"]))


@contextlib.contextmanager
def changed_manifest(folder: Path) -> Iterator[dict[str, Any]]:
    """The manifest of an exported model, to be changed; it is written when all else went well."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    yield manifest
    path.write_text(json.dumps(manifest, indent=2) + "\n")


def add_gpu_graphs(folder: Path) -> None:
    """Gives a folder that was exported without them the graphs for GPUs; its other files stay as they are."""
    with changed_manifest(folder) as manifest:
        save_gpu_graphs(folder)
        manifest["files"] |= {file: _entry(folder / file) for file in GPU_GRAPHS}


def add_ngrams(folder: Path, ngrams: Ngrams) -> None:
    """Gives an exported model a table of n-grams. What it recalls has to be weighed anew (scripts/fit_recall.py)."""
    with changed_manifest(folder) as manifest:
        ngrams.save(folder / NGRAMS)
        manifest["files"][NGRAMS] = _entry(folder / NGRAMS)


def set_recall(folder: Path, model: OnnxModel, recall: RecallWeights, ngrams: Ngrams | None) -> None:
    """Writes how far the exported model shall believe what it recalls into its manifest, and its goldens anew."""
    with changed_manifest(folder) as manifest:
        manifest["recall"] = {key: value for key, value in dataclasses.asdict(recall).items() if value is not None}
        goldens = build_goldens(model, load_tokenizer(folder), manifest["fileShare"], recall, ngrams)
        (folder / "goldens.json").write_text(json.dumps(goldens, ensure_ascii=False))


def build_manifest(
    config: ModelConfig,
    tokenizer: CodeTokenizer,
    name: str,
    version: str,
    data: dict,
    training: dict,
) -> dict[str, Any]:
    """The manifest without its `files`; the server reads every shape and token id from here."""
    special = tokenizer.special
    return {
        "format": 2,
        "name": name,
        "version": version,
        "licence": licence_of(training),
        "model": {
            "layers": config.layers,
            "dim": config.dim,
            "heads": config.heads,
            "kvHeads": config.kv_heads,
            "headDim": config.head_dim,
            "ffn": config.ffn,
            "vocabSize": config.vocab_size,
            "contextLength": config.context_length,
            "repeatedBelow": config.repeated_below,
            "holeStride": config.hole_stride,
            "maxHoles": config.max_holes,
            "maxCanvas": config.max_canvas,
            "maxPosition": config.max_position,
        },
        "tokens": {
            "pad": special.pad,
            "mask": special.mask,
            "eoh": special.eoh,
            "pre": special.pre,
            "suf": special.suf,
            "file": special.file,
            "language": dict(tokenizer.language),
            "hole": list(tokenizer.hole),
            "fill": list(tokenizer.fill),
            "firstText": tokenizer.first_text,
        },
        "canvasSizes": list(CANVAS_SIZES),
        "decoding": {"steps": Decoding.steps, "threshold": Decoding.threshold, "lengths": Decoding.lengths},
        "fileShare": FILE_SHARE if knows_files(training) else 0,
        "heals": True,
        "data": data,
        "training": training,
    }


def export_model(
    model: Transformer,
    tokenizer_path: Path,
    folder: Path,
    name: str,
    version: str,
    data: dict,
    training: dict,
) -> None:
    """Writes the graphs, tokenizer.json, goldens.json and, last, manifest.json into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "tokenizer.json"
    if tokenizer_path.resolve() != target.resolve():
        shutil.copyfile(tokenizer_path, target)
    tokenizer = load_tokenizer(target)
    if tokenizer.size != model.config.vocab_size:
        raise ValueError(
            f"{tokenizer_path}: {tokenizer.size} tokens, but the model has {model.config.vocab_size}; "
            "they were not trained together"
        )
    onnx.save(build_graph(model.eval()), str(folder / "model.onnx"))
    manifest = build_manifest(model.config, tokenizer, name, version, data, training)
    save_gpu_graphs(folder)
    manifest["files"] = {file: _entry(folder / file) for file in ("model.onnx", "tokenizer.json", *GPU_GRAPHS)}
    goldens = build_goldens(OnnxModel(folder / "model.onnx", model.config), tokenizer, manifest["fileShare"])
    (folder / "goldens.json").write_text(json.dumps(goldens, ensure_ascii=False))
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def build_goldens(
    model: OnnxModel,
    tokenizer: CodeTokenizer,
    file_share: float,
    recall: RecallWeights | None = None,
    ngrams: Ngrams | None = None,
) -> dict[str, Any]:
    """What the TypeScript side must reproduce: token ids, logits of both readings, whole fills."""
    infill = Infill(model, tokenizer, file_share, heals=True, recall=recall, ngrams=ngrams)
    fills = []
    for index, (language, segments, decoding) in enumerate(_FILL_REQUESTS):
        chunks = _CHUNKS if index == len(_FILL_REQUESTS) - 1 else []
        best = infill.fill(language, segments, decoding, chunks)
        request = {
            "language": language, "segments": segments, "mode": "diffusion", "maxTokens": decoding.max_tokens,
            "steps": decoding.steps, "threshold": decoding.threshold, "candidates": decoding.candidates,
            "temperature": decoding.temperature, "topP": decoding.top_p, "seed": decoding.seed,
            "chunks": [dataclasses.asdict(chunk) for chunk in chunks],
        }  # fmt: skip
        fills.append(
            {
                "request": request,
                "contextIds": infill.split(language, segments, chunks)[0],
                "candidates": [
                    {
                        "fills": infill.texts(candidate),
                        "score": candidate.score,
                    }
                    for candidate in best
                ],
                "fills": infill.texts(best[0]),
                "score": best[0].score,
                "steps": decoding.steps,
            }
        )
    return {
        "processor": processor_model(),
        "tokenizer": [{"text": text, "ids": tokenizer.encode(text)} for text in _TOKENIZER_TEXTS],
        "logits": [_golden_logits(model, tokenizer, causal) for causal in (False, True)],
        "fills": fills,
    }


def processor_model() -> str:
    """The processor's name and what widths it multiplies: kinds of one name (in virtual machines) round apart."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    name = re.search(r"^model name\s*: *(.*)$", text, re.MULTILINE)
    flags = re.search(r"^flags\s*: *(.*)$", text, re.MULTILINE)
    wide = sorted(set(re.findall(r"\b(?:avx|amx)\S*", flags[1]))) if flags else []
    return " ".join([name[1] if name else platform.processor(), *wide])


def _golden_logits(model: OnnxModel, tokenizer: CodeTokenizer, causal: bool) -> dict[str, Any]:
    rng = random.Random(5)
    context = infill_context(tokenizer)
    cache: KvCache = model.encode(context)
    text = [rng.randrange(tokenizer.first_text, tokenizer.size) for _ in range(6)]
    row = [tokenizer.fill[0], *(text if causal else [tokenizer.special.mask] * 6)]
    ids = np.array([row, row])
    positions = np.arange(len(row))[None].repeat(2, 0) + cache.length
    order = np.arange(len(row))[None].repeat(2, 0) if causal else np.zeros_like(positions)
    wanted = np.array([0, 3, len(row) + 5])
    logs = log_softmax(model.run(cache, ids, positions, order, wanted)["logits"])
    best = np.argsort(-logs, axis=-1)[:, :8]
    return {
        "context": context,
        "ids": ids.tolist(),
        "positions": positions.tolist(),
        "order": order.tolist(),
        "wanted": wanted.tolist(),
        "argmax": best[:, 0].tolist(),
        "logProbs": [[[int(i), float(row_logs[i])] for i in ids_] for ids_, row_logs in zip(best, logs, strict=True)],
    }


def infill_context(tokenizer: CodeTokenizer) -> list[int]:
    """A small real context for logits goldens."""
    special = tokenizer.special
    before = tokenizer.encode("def area(width, height):\n    return ")
    return [tokenizer.language["python"], special.suf, special.pre, *before, tokenizer.hole[0]]

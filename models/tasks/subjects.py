"""Who is evaluated: exported model folders. A checkpoint is exported first, once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from parafill.checkpoint import CheckpointError, load_info, load_model
from parafill.corpus.shards import sha256_of
from parafill.export import export_model


@dataclass(frozen=True)
class Subject:
    """A model folder and its part in the report: "student" (what ships), "teacher" or "round"."""

    label: str
    role: str
    folder: Path

    @cached_property
    def manifest(self) -> dict:
        return json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))


def subject_of(
    folder: Path, role: str, label: str, tokenizer: Path, exports: Path, recall: dict | None = None
) -> Subject:
    """The model in a folder, or in `exports` the one that a checkpoint becomes.

    `recall`: how far a checkpoint shall believe what it recalls: as far as what it is compared with, or not at all.
    Raises CheckpointError when the folder is neither.
    """
    if (folder / "manifest.json").is_file():
        return Subject(label, role, folder)
    weights = folder / "weights.safetensors"
    if not weights.is_file():
        raise CheckpointError(f"{folder}: expected an exported model (manifest.json) or a checkpoint, found neither")
    target = exports / sha256_of(weights)[:12]
    if not (target / "manifest.json").is_file():
        export_model(load_model(folder), tokenizer, target, label.replace(" ", "-"), "0.0.0", {}, load_info(folder))
    path = target / "manifest.json"
    manifest = {key: value for key, value in json.loads(path.read_text()).items() if key != "recall"}
    path.write_text(json.dumps(manifest | ({"recall": recall} if recall else {}), indent=2) + "\n")
    return Subject(label, role, target)

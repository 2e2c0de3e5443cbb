"""Who is evaluated: exported model folders. A checkpoint is exported first, once."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from parafill.checkpoint import CheckpointError, load_info, load_model
from parafill.corpus.shards import sha256_of
from parafill.export import changed_manifest, export_model
from parafill.ngrams import FILE as NGRAMS


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
    folder: Path, role: str, label: str, tokenizer: Path, exports: Path, student: Path | None = None
) -> Subject:
    """The model in a folder, or in `exports` the one that a checkpoint becomes.

    A checkpoint recalls what the exported `student`, if any, recalls, and believes it as far.
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
    with changed_manifest(target) as manifest:
        manifest.pop("recall", None)
        manifest["files"].pop(NGRAMS, None)
        own = json.loads((student / "manifest.json").read_text()) if student else {}
        if student and "recall" in own:
            manifest["recall"] = own["recall"]
            if NGRAMS in own["files"]:
                shutil.copyfile(student / NGRAMS, target / NGRAMS)
                manifest["files"][NGRAMS] = own["files"][NGRAMS]
    return Subject(label, role, target)

"""The model card: what the model is made of, under which licences, with what compute, and what it is not good for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from parafill.corpus.manifest import load_manifest
from tasks.metrics import markdown_table
from tasks.subjects import Subject

NOTES = "notes.md"

LIMITS = """\
- Small models write plausible code that is often wrong: see exact match and pass@1 above before trusting a fill.
- It was trained on TypeScript, JavaScript and Python with a little JSON, CSS, HTML and Markdown; other languages, and
  natural languages other than English in comments, are outside what it was made for.
- It has seen public packages and can repeat parts of them; nothing filters its answers by licence.
- It knows the file it is in, up to its context, and nothing else of a project.
- The corpus is checked against HumanEval (no 16 tokens in a row in common) where the benchmark was at hand when it was
  made, and not against MBPP."""


def card_chapter(subject: Subject, corpus: Path) -> str:
    """Data, licences, compute and limits, from the manifests."""
    manifest = subject.manifest
    shape = manifest["model"]
    parts = [
        "## Model card",
        f"**{manifest['name']} {manifest['version']}**, licence {manifest['licence']}. "
        f"{shape['layers']} layers of width {shape['dim']}, {shape['heads']}/{shape['kvHeads']} heads of "
        f"{shape['headDim']}, feed-forward {shape['ffn']}, {shape['vocabSize']:,} tokens in the vocabulary, contexts "
        f"of up to {shape['contextLength']} tokens. "
        + ", ".join(f"`{name}` {entry['bytes'] / 1e6:.1f} MB" for name, entry in manifest["files"].items())
        + ".",
        "### Data",
        *_data(manifest.get("data", {}), corpus),
        "### Compute",
        _compute(manifest.get("training", {})),
    ]
    notes = subject.folder / NOTES
    if notes.is_file():
        parts.append(notes.read_text(encoding="utf-8").strip())
    return "\n\n".join([*parts, "### Limits", LIMITS])


def _data(data: dict, corpus: Path) -> list[str]:
    if not data.get("splits"):
        return ["The manifest does not say what it was trained on."]
    rows = []
    for split, entry in data["splits"].items():
        languages = sorted(entry["languages"].items(), key=lambda item: -item[1]["tokens"])
        for language, counts in languages:
            numbers = [f"{counts['documents']:,}", f"{counts['tokens']:,}", f"{counts['bytes'] / 1e6:.1f}"]
            rows.append([f"{split}: {language}", *numbers])
        rows.append([f"**{split}**", f"{entry['documents']:,}", f"{entry['tokens']:,}", ""])
    return [
        f"{data['packages']} packages of the npm and Python registries, pinned in `models/corpus/manifest.json`, split "
        "by package. Evaluation uses the test split only.",
        markdown_table(["split and language", "files", "tokens", "MB of text"], rows),
        _licences(data, corpus),
    ]


def _licences(data: dict, corpus: Path) -> str:
    counted = Counter(data.get("licences", {}))
    caveat = ""
    if not counted:
        packages = load_manifest(corpus)
        counted = Counter(package.licence for package in packages)
        caveat = (
            f" (the model's manifest does not say; these are of the {len(packages)} packages that the corpus manifest "
            f"names today, {data['packages']} when the model was trained)"
        )
    listed = ", ".join(f"{licence} {count}" for licence, count in counted.most_common())
    return f"Licences, in packages{caveat}: {listed}."


def _compute(training: dict) -> str:
    """The chain of stages as the manifest records it, first stage first."""
    stages: list[str] = []
    info: dict | None = training
    while info:
        said = [f"{key.replace('_', ' ')} {value:,}" for key, value in info.items() if isinstance(value, int | float)]
        stages.append(f"{info.get('stage', 'unknown stage')} ({', '.join(said)})" if said else str(info.get("stage")))
        info = info.get("from")
    if not stages:
        return "The manifest does not say."
    return "As the checkpoints recorded it, positions counted by one process: " + ", then ".join(reversed(stages)) + "."

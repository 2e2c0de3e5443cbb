"""File names to VS Code language ids, and the groups in which the language mix is planned."""

from __future__ import annotations

from pathlib import PurePosixPath

# The order is the order of the language tokens in the vocabulary and of the indices in shards.
LANGUAGES = (
    "typescript",
    "typescriptreact",
    "javascript",
    "javascriptreact",
    "python",
    "json",
    "css",
    "html",
    "markdown",
    "other",
)

_BY_SUFFIX = {
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "typescriptreact",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascriptreact",
    ".py": "python",
    ".json": "json",
    ".css": "css",
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".markdown": "markdown",
}

GROUPS = {
    "typescript": "typescript",
    "typescriptreact": "typescript",
    "javascript": "javascript",
    "javascriptreact": "javascript",
    "python": "python",
    "json": "markup",
    "css": "markup",
    "html": "markup",
    "markdown": "markup",
}

# Planned share of each group in the training text (bytes).
MIX = {"python": 0.35, "typescript": 0.35, "javascript": 0.20, "markup": 0.10}
# The text of which the shares are taken is never more than this: about 93 M tokens of 16,384, which pack into 55 MB.
MAX_TRAIN_CHARS = 380_000_000


def language_of(path: str) -> str | None:
    """The VS Code language id of a file name, or None when the corpus has no use for it."""
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower())

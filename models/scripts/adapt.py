"""Turns a published checkpoint's folder into one of ours: `python scripts/adapt.py FOLDER --out checkpoints/qwen`.

Llama, Qwen2 and Qwen3 shapes. See "Starting from a published model" in models/README.md for what comes after it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from parafill.adapted_model import adapt_checkpoint
from parafill.checkpoint import CheckpointError
from parafill.config import PRESETS
from parafill.tokenizer import TokenizerError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="with config.json, *.safetensors, tokenizer.json and README.md")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--context", type=int, default=PRESETS["base"].context_length, help="most tokens of a context")
    parser.add_argument("--licence", help="SPDX identifier, where README.md states none")
    options = parser.parse_args()
    try:
        print(json.dumps(adapt_checkpoint(options.folder, options.out, options.context, options.licence)))
    except (CheckpointError, TokenizerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

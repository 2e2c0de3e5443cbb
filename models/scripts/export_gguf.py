"""Derives a checkpoint's AR twin as GGUF: `python scripts/export_gguf.py parafill-small/checkpoint twin.gguf`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from parafill.checkpoint import licence_of, load_info, load_model
from parafill.gguf_file import write_gguf

MODELS = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", default="parafill-small autoregressive twin")
    parser.add_argument("--tokenizer", type=Path, default=MODELS / "parafill-small" / "tokenizer.json")
    options = parser.parse_args()
    licence = licence_of(load_info(options.checkpoint))
    write_gguf(load_model(options.checkpoint), options.tokenizer, options.out, options.name, licence)
    print(json.dumps({"out": str(options.out), "bytes": options.out.stat().st_size}))


if __name__ == "__main__":
    main()

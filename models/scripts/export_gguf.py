"""Derives a checkpoint's AR twin as GGUF: `python scripts/export_gguf.py parafill-small/checkpoint twin.gguf`.

`--random base twin.gguf` writes random weights of that shape, the same as `export.py --random base`, for measuring.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from parafill.checkpoint import licence_of, load_info, load_model
from parafill.config import PRESETS
from parafill.gguf_file import write_gguf
from parafill.random_model import padded_tokenizer, random_model

MODELS = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("out", type=Path)
    parser.add_argument("--random", choices=sorted(PRESETS), help="random weights of this shape, and no checkpoint")
    parser.add_argument("--int8", action="store_true", help="weights as int8 (Q8_0) instead of float16")
    parser.add_argument("--name", default="parafill-small autoregressive twin")
    parser.add_argument("--tokenizer", type=Path, default=MODELS / "parafill-small" / "tokenizer.json")
    options = parser.parse_args()
    if (options.checkpoint is None) == (options.random is None):
        parser.error("expected either a checkpoint or --random PRESET")
    if options.random:
        model = random_model(options.random)
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = Path(folder) / "tokenizer.json"
            padded_tokenizer(options.tokenizer, tokenizer, model.config.vocab_size)
            write_gguf(model, tokenizer, options.out, f"random-{options.random}", int8=options.int8)
    else:
        licence = licence_of(load_info(options.checkpoint))
        model = load_model(options.checkpoint)
        write_gguf(model, options.tokenizer, options.out, options.name, licence, int8=options.int8)
    print(json.dumps({"out": str(options.out), "bytes": options.out.stat().st_size}))


if __name__ == "__main__":
    main()

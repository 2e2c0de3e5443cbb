"""Counts n-grams of the training corpus for an exported model: `python scripts/count_ngrams.py parafill-small`.

What the model recalls has to be weighed anew afterwards, by scripts/fit_recall.py.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from parafill.corpus.shards import open_shards
from parafill.export import add_ngrams
from parafill.ngrams import FILE, count_ngrams
from parafill.tokenizer import load_tokenizer

MODELS = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="an exported model, whose tokenizer made the shards")
    parser.add_argument("--shards", type=Path, default=MODELS / "data" / "shards")
    parser.add_argument("--least", type=int, default=16, help="keep what followed at least so often")
    parser.add_argument("--share", type=float, default=0.005, help="and at least in this share of all times")
    options = parser.parse_args()
    tokenizer = load_tokenizer(options.model)
    documents = open_shards(options.shards, "train")
    ngrams = count_ngrams(documents, tokenizer.size, tokenizer.first_text, options.least, options.share)
    add_ngrams(options.model, ngrams)
    orders = [{"contexts": len(order.contexts), "followers": len(order.tokens)} for order in ngrams.orders]
    path = options.model / FILE
    print(json.dumps({"out": str(path), "bytes": path.stat().st_size, "orders": orders}))


if __name__ == "__main__":
    main()

"""Trains the byte-level BPE on a sample of the train text, checks it, and reports compression."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

MODELS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(MODELS))

from parafill.corpus.pipeline import Workspace, read_text  # noqa: E402
from parafill.tokenizer import (  # noqa: E402
    RESERVED,
    CodeTokenizer,
    TokenizerError,
    load_tokenizer,
    save_tokenizer,
    train_tokenizer,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=8192, help="tokens in all (default 8192)")
    parser.add_argument("--sample-mb", type=float, default=30, help="text to train on")
    parser.add_argument("--report-mb", type=float, default=8, help="text to measure on")
    parser.add_argument("--check", action="store_true", help="check the file, do not train")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PARAFILL_DATA", MODELS / "data")))
    parser.add_argument("--out", type=Path, default=MODELS / "parafill-small" / "tokenizer.json")
    options = parser.parse_args()
    space = Workspace(options.data)
    try:
        if not options.check:
            texts = sample(space, "train", options.sample_mb * 1e6)
            save_tokenizer(train_tokenizer((text for _, text in texts), options.size), options.out)
        tokenizer = load_tokenizer(options.out)
        check_round_trips(tokenizer)
        compression = measure(tokenizer, sample(space, "validation", options.report_mb * 1e6))
    except (TokenizerError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{'language':<18}{'bytes/token':>12}{'MB':>8}")
    for language, (size, tokens) in sorted(compression.items()):
        print(f"{language:<18}{size / tokens:>12.3f}{size / 1e6:>8.2f}")
    rates = {name: round(size / tokens, 4) for name, (size, tokens) in compression.items()}
    print(json.dumps({"size": tokenizer.size, "bytesPerToken": rates}))
    return 0


def sample(space: Workspace, split: str, limit: float) -> Iterator[tuple[str, str]]:
    """(language, text) from the start of a split; the split is in shuffled order already."""
    taken = 0
    for _, _, language, text in read_text(space, split):
        yield language, text
        taken += len(text)
        if taken >= limit:
            return


def check_round_trips(tokenizer: CodeTokenizer) -> None:
    """Random texts and random bytes come back unchanged, and no text becomes a reserved id."""
    generator = random.Random(1)
    for _ in range(300):
        data = bytes(generator.randrange(256) for _ in range(generator.randrange(60)))
        if tokenizer.decode_bytes(tokenizer.encode_bytes(data)) != data:
            raise TokenizerError(f"bytes do not round-trip: {data!r}")
    ranges = [(0x20, 0x7F), (0x9, 0xE), (0xA0, 0x2FF), (0x4E00, 0x4FFF), (0x1F300, 0x1F6FF)]
    texts = ["".join(RESERVED), "\r\n\r\n\t x", "é̈", "<|mask|><|hole_0|>"]
    for _ in range(300):
        low, high = generator.choice(ranges)
        size = generator.randrange(40)
        texts.append("".join(chr(generator.randrange(low, high)) for _ in range(size)))
    for text, ids in zip(texts, tokenizer.encode_batch(texts), strict=True):
        if tokenizer.decode(ids) != text:
            raise TokenizerError(f"text does not round-trip: {text!r}")
        if any(token < tokenizer.first_text for token in ids):
            raise TokenizerError(f"text encodes to a reserved id: {text!r}")


def measure(tokenizer: CodeTokenizer, texts: Iterator[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """language -> (UTF-8 bytes, tokens)."""
    rows = list(texts)
    counts: dict[str, tuple[int, int]] = {}
    for (language, text), ids in zip(rows, tokenizer.encode_batch([t for _, t in rows]), strict=True):
        size, tokens = counts.get(language, (0, 0))
        counts[language] = (size + len(text.encode("utf-8", "replace")), tokens + len(ids))
    return counts


if __name__ == "__main__":
    sys.exit(main())

"""Byte-level BPE: training, checking, and the small class the rest of models/ encodes with.

The special tokens are in the vocabulary but not in `added_tokens`: a user's text "<|mask|>" is
text, and no text ever encodes to an id below `first_text`.
"""

from __future__ import annotations

import bisect
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from parafill.corpus.languages import LANGUAGES

MAX_HOLES = 8
# Runs of blanks, line ends with the indentation that follows, words, numbers of up to three
# digits, punctuation runs, any other white space. Every character matches exactly one of them.
PATTERN = r"[ \t]{2,}|(?:\r?\n)+[ \t]*| ?[\p{L}_][\p{L}\p{M}_]*| ?\p{N}{1,3}| ?[^\s\p{L}\p{N}_]+|\s"

_SPECIAL_NAMES = [f"<|{name}|>" for name in ("pad", "mask", "eoh", "pre", "suf", "file")]
_LANGUAGE_NAMES = [f"<|{language}|>" for language in LANGUAGES]
_HOLE_NAMES = [f"<|hole_{i}|>" for i in range(MAX_HOLES)]
_FILL_NAMES = [f"<|fill_{i}|>" for i in range(MAX_HOLES)]
RESERVED = [*_SPECIAL_NAMES, *_LANGUAGE_NAMES, *_HOLE_NAMES, *_FILL_NAMES]
#: The first id that stands for text.
FIRST_TEXT = len(RESERVED)


class TokenizerError(ValueError):
    """A tokenizer file is not one of ours; the message says what differs."""


@dataclass(frozen=True)
class SpecialIds:
    """Ids of the tokens that stand for no text."""

    pad: int = 0
    mask: int = 1
    eoh: int = 2
    pre: int = 3
    suf: int = 4
    file: int = 5


class CodeTokenizer:
    """Text to ids and back. Lone surrogates, which UTF-8 cannot hold, become U+FFFD."""

    def __init__(self, backend: Tokenizer) -> None:
        self._backend = backend
        self.special = SpecialIds()
        self.language = {name: 6 + i for i, name in enumerate(LANGUAGES)}
        self.hole = tuple(16 + i for i in range(MAX_HOLES))
        self.fill = tuple(24 + i for i in range(MAX_HOLES))
        self.first_text = FIRST_TEXT
        self.size = backend.get_vocab_size()
        self._bytes = _token_bytes(backend, self.first_text)
        self._byte_ids = {value[0]: i for i, value in enumerate(self._bytes) if len(value) == 1}
        self._ids = {value: i for i, value in enumerate(self._bytes) if i >= self.first_text}
        self._ascending = sorted((value, i) for i, value in enumerate(self._bytes) if i >= self.first_text)

    def encode(self, text: str) -> list[int]:
        """Ids of a text, all of them >= first_text."""
        return self._backend.encode(_without_surrogates(text), add_special_tokens=False).ids

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Ids of many texts, on all cores."""
        cleaned = [_without_surrogates(text) for text in texts]
        encodings = self._backend.encode_batch_fast(cleaned, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def encode_bytes(self, data: bytes) -> list[int]:
        """Ids of any bytes: valid UTF-8 as text, every other byte as its own token."""
        ids: list[int] = []
        run: list[str] = []
        for character in data.decode("utf-8", "surrogateescape"):
            if "\udc80" <= character <= "\udcff":
                ids += self.encode("".join(run))
                run.clear()
                ids.append(self._byte_ids[ord(character) - 0xDC00])
            else:
                run.append(character)
        return ids + self.encode("".join(run))

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of text ids. Raises TokenizerError for an id that stands for no text."""
        parts: list[bytes] = []
        for token in ids:
            token = int(token)
            if not self.first_text <= token < self.size:
                raise TokenizerError(f"id {token} is no text: expected {self.first_text} to {self.size - 1}")
            parts.append(self._bytes[token])
        return b"".join(parts)

    def with_bytes(self, data: bytes) -> int | None:
        """The text token of exactly these bytes, or None."""
        return self._ids.get(data)

    def beginning_with(self, prefix: bytes) -> list[int]:
        """Ids of all tokens whose bytes begin with these, ascending."""
        first = bisect.bisect_left(self._ascending, (prefix, 0))
        found = itertools.takewhile(lambda entry: entry[0].startswith(prefix), self._ascending[first:])
        return sorted(token for _, token in found)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of text ids; bytes that are no UTF-8 (a cut character) become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", "replace")


def load_tokenizer(path: Path | str) -> CodeTokenizer:
    """Loads tokenizer.json and checks that its reserved ids are where this code expects them."""
    path = Path(path)
    if path.is_dir():
        path = path / "tokenizer.json"
    if not path.is_file():
        raise TokenizerError(f"{path}: no such tokenizer file; run `python scripts/tokenizer.py`")
    backend = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    for index, name in enumerate(RESERVED):
        if backend.id_to_token(index) != name:
            raise TokenizerError(f"{path}: expected {name} at id {index}, found {backend.id_to_token(index)!r}")
    if json.loads(backend.to_str())["added_tokens"]:
        raise TokenizerError(f"{path}: expected no added_tokens: text could become a special id")
    return CodeTokenizer(backend)


def train_tokenizer(texts: Iterator[str], size: int) -> CodeTokenizer:
    """Trains a BPE of `size` tokens in all, the reserved ones included."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=RESERVED,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
        max_token_length=32,
    )
    backend.train_from_iterator(texts, trainer)
    if backend.get_vocab_size() != size:
        raise TokenizerError(f"expected {size} tokens, the text gave {backend.get_vocab_size()}: train on more text")
    # The trainer registers the reserved tokens as matchable text; take that back.
    description = json.loads(backend.to_str())
    description["added_tokens"] = []
    return CodeTokenizer(Tokenizer.from_str(json.dumps(description)))


def save_tokenizer(tokenizer: CodeTokenizer, path: Path) -> None:
    """Writes tokenizer.json in the Hugging Face format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    description = json.loads(tokenizer._backend.to_str())
    path.write_text(json.dumps(description, ensure_ascii=False) + "\n", encoding="utf-8")


def _without_surrogates(text: str) -> str:
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _token_bytes(backend: Tokenizer, first_text: int) -> list[bytes]:
    """The bytes of every id; empty for the reserved ones."""
    to_byte = byte_of_character()
    table = [b""] * backend.get_vocab_size()
    for token, index in backend.get_vocab().items():
        if index >= first_text:
            table[index] = bytes(to_byte[character] for character in token)
    return table


def byte_of_character() -> dict[str, int]:
    """The byte-level alphabet: printable bytes stand for themselves, others follow from U+0100."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in printable}
    others = [byte for byte in range(256) if byte not in set(printable)]
    table.update({chr(256 + offset): byte for offset, byte in enumerate(others)})
    return table

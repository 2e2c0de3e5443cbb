"""A published byte-level BPE as a tokenizer of ours: the same tokens for the same text, behind our reserved ids.

Its added tokens are left out, because text must never become one; where they mean what one of our reserved tokens
means, that one inherits their embedding. Its normaliser (NFC) is left out too: it would change what the user wrote.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from .tokenizer import FIRST_TEXT, MAX_HOLES, RESERVED, CodeTokenizer, TokenizerError, byte_of_character

#: Our reserved tokens and the names that published vocabularies have for the same thing, the best one first.
_COUNTERPARTS = {
    "<|pre|>": ("<|fim_prefix|>", "<fim_prefix>"),
    "<|suf|>": ("<|fim_suffix|>", "<fim_suffix>"),
    "<|file|>": ("<|file_sep|>", "<file_sep>", "<|file_separator|>"),
    "<|eoh|>": ("<|endoftext|>", "<|end_of_text|>", "</s>"),
    **{f"<|fill_{i}|>": ("<|fim_middle|>", "<fim_middle>") for i in range(MAX_HOLES)},
}


@dataclass(frozen=True)
class AdaptedTokenizer:
    """The tokenizer, and where its embeddings come from."""

    tokenizer: CodeTokenizer
    #: The published ids of our text tokens, in the order of ours; our first one is `tokenizer.first_text`.
    text_ids: list[int]
    #: Our reserved ids → the published ids of what means the same. The others have no counterpart.
    reserved_ids: dict[int, int]
    #: The names of the added tokens, which are left out.
    left_out: list[str]


def adapt_tokenizer(path: Path) -> AdaptedTokenizer:
    """Reads a published tokenizer.json. Raises TokenizerError for what is no byte-level BPE or would change text."""
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        _check_kind(description, path)
    except FileNotFoundError as error:
        raise TokenizerError(f"{path}: no such file; the checkpoint's folder must have it") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, TokenizerError):
            raise
        raise TokenizerError(f"{path}: not a tokenizer in the Hugging Face format: {error!r}") from error
    added = {token["content"]: token["id"] for token in description.get("added_tokens") or []}
    vocabulary: dict[str, int] = description["model"]["vocab"]
    text = sorted((token for token in vocabulary if token not in added), key=vocabulary.__getitem__)
    _check_alphabet(text, path)
    model = {
        **description["model"],
        "dropout": None,
        "unk_token": None,
        "vocab": {name: index for index, name in enumerate([*RESERVED, *text])},
    }
    ours = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": description["pre_tokenizer"],
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        "model": model,
    }
    try:
        tokenizer = CodeTokenizer(Tokenizer.from_str(json.dumps(ours)))
    except Exception as error:  # the library raises nothing narrower
        raise TokenizerError(f"{path}: without its {len(added)} added tokens: {error}") from error
    for name in [*RESERVED, "".join(RESERVED)]:
        ids = tokenizer.encode(name)
        if min(ids) < FIRST_TEXT or tokenizer.decode(ids) != name:
            raise TokenizerError(f"{path}: the text {name} would become a reserved token or be changed")
    counterparts = {
        RESERVED.index(name): next((added[other] for other in others if other in added), None)
        for name, others in _COUNTERPARTS.items()
    }
    return AdaptedTokenizer(
        tokenizer,
        [vocabulary[token] for token in text],
        {ours: theirs for ours, theirs in counterparts.items() if theirs is not None},
        sorted(added),
    )


def _check_kind(description: dict[str, Any], path: Path) -> None:
    model, normalizer = description["model"], description.get("normalizer")
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        kind = "BPE with byte_fallback" if model.get("byte_fallback") else model.get("type")
        raise TokenizerError(f"{path}: expected a byte-level BPE, found {kind}")
    if normalizer is not None and normalizer["type"] != "NFC":
        raise TokenizerError(f"{path}: expected no normalizer or NFC, found {normalizer['type']}: text would change")
    splitter = description.get("pre_tokenizer") or {"type": "none"}
    last = splitter["pretokenizers"][-1] if splitter["type"] == "Sequence" else splitter
    if last["type"] != "ByteLevel":
        raise TokenizerError(f"{path}: expected a pre_tokenizer that ends with ByteLevel, found {last['type']}")
    if last.get("add_prefix_space"):
        raise TokenizerError(f"{path}: expected add_prefix_space to be false: every text would get a blank")


def _check_alphabet(text: list[str], path: Path) -> None:
    alphabet = byte_of_character()
    missing = sorted(alphabet.keys() - set(text))
    if missing:
        raise TokenizerError(
            f"{path}: expected a token for every byte, {len(missing)} are missing, first {missing[0]!r}"
        )
    odd = [token for token in text if not token or not alphabet.keys() >= set(token)]
    if odd:
        raise TokenizerError(f"{path}: {len(odd)} tokens are not written in the byte-level alphabet, first {odd[0]!r}")
    clash = [name for name in RESERVED if name in set(text)]
    if clash:
        raise TokenizerError(f"{path}: its vocabulary has {clash[0]}, which is a reserved token here")

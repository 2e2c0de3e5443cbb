"""The tokenizer: every byte comes back, and no text becomes a reserved id."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from corpus_fixtures import PYTHON, TYPESCRIPT, variant

from parafill.corpus.languages import LANGUAGES
from parafill.tokenizer import (
    RESERVED,
    CodeTokenizer,
    TokenizerError,
    load_tokenizer,
    save_tokenizer,
    train_tokenizer,
)

SHIPPED = Path(__file__).resolve().parent.parent / "parafill-small" / "tokenizer.json"


@pytest.fixture(scope="module")
def tiny() -> CodeTokenizer:
    """A tokenizer of 400 tokens, trained on the fixtures."""
    texts = [variant(text, i) for text in (PYTHON, TYPESCRIPT) for i in range(4)]
    return train_tokenizer(iter(texts), 400)


@pytest.fixture(params=["tiny", "shipped"])
def tokenizer(request: pytest.FixtureRequest, tiny: CodeTokenizer) -> CodeTokenizer:
    """Both the tiny one and the one the product ships."""
    if request.param == "tiny":
        return tiny
    if not SHIPPED.is_file():
        pytest.skip(f"{SHIPPED} is not there yet")
    return load_tokenizer(SHIPPED)


def test_reserved_ids_are_where_the_manifest_and_the_product_expect_them(
    tokenizer: CodeTokenizer,
) -> None:
    special = tokenizer.special
    assert (special.pad, special.mask, special.eoh, special.pre) == (0, 1, 2, 3)
    assert (special.suf, special.file) == (4, 5)
    assert tokenizer.language == {name: 6 + i for i, name in enumerate(LANGUAGES)}
    assert tokenizer.hole == tuple(range(16, 24))
    assert tokenizer.fill == tuple(range(24, 32))
    assert tokenizer.first_text == len(RESERVED) == 32


def test_every_byte_string_round_trips(tokenizer: CodeTokenizer) -> None:
    generator = random.Random(7)
    strings = [bytes([byte]) for byte in range(256)]
    strings += [generator.randbytes(generator.randrange(80)) for _ in range(300)]
    for data in strings:
        ids = tokenizer.encode_bytes(data)
        assert tokenizer.decode_bytes(ids) == data
        assert all(token >= tokenizer.first_text for token in ids)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "\r\n\r\n\t\t x",
        "\r",
        "  \t  \n\n    if x:\n\treturn 1000000 # ½ é e\u0301 漢字 👩‍👩‍👧 \u2028",
        "a\u00a0b\ufeff\x00\x1b",
        "0x1F_ff==''&&!--/**/",
        PYTHON,
        TYPESCRIPT,
    ],
)
def test_every_text_round_trips(tokenizer: CodeTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("name", [*RESERVED, "".join(RESERVED), " <|mask|>\n<|mask|>"])
def test_the_name_of_a_reserved_token_is_text(tokenizer: CodeTokenizer, name: str) -> None:
    ids = tokenizer.encode(name)
    assert min(ids) >= tokenizer.first_text
    assert tokenizer.decode(ids) == name


def test_a_lone_surrogate_becomes_a_replacement_character(tokenizer: CodeTokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("a\ud800b")) == "a\ufffdb"
    assert tokenizer.decode(tokenizer.encode("\ud83d\ude00")) == "😀"


def test_batches_agree_with_single_texts(tokenizer: CodeTokenizer) -> None:
    texts = [PYTHON, "", TYPESCRIPT, "x"]
    assert tokenizer.encode_batch(texts) == [tokenizer.encode(text) for text in texts]


def test_indentation_is_one_token_with_its_line_end(tokenizer: CodeTokenizer) -> None:
    pieces = [tokenizer.decode([token]) for token in tokenizer.encode("x:\n    y")]
    assert pieces[:2] == ["x", ":"]
    assert pieces[2] == "\n    "


def test_a_cut_character_decodes_to_a_replacement_character(tokenizer: CodeTokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode_bytes("é".encode()[:1])) == "\ufffd"


@pytest.mark.parametrize("token", [0, 31, 10**6, -1])
def test_ids_that_are_no_text_are_refused(tokenizer: CodeTokenizer, token: int) -> None:
    with pytest.raises(TokenizerError, match=f"id {token} is no text: expected 32 to"):
        tokenizer.decode([token])


def test_save_and_load_agree(tiny: CodeTokenizer, tmp_path: Path) -> None:
    save_tokenizer(tiny, tmp_path / "tokenizer.json")
    assert load_tokenizer(tmp_path).encode(PYTHON) == tiny.encode(PYTHON)


def test_training_twice_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        texts = iter([variant(PYTHON, i) for i in range(4)])
        save_tokenizer(train_tokenizer(texts, 340), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_too_little_text_is_an_error() -> None:
    with pytest.raises(TokenizerError, match="expected 5000 tokens, the text gave"):
        train_tokenizer(iter([PYTHON]), 5000)


def test_a_foreign_tokenizer_is_refused(tiny: CodeTokenizer, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with pytest.raises(TokenizerError, match="no such tokenizer file"):
        load_tokenizer(path)
    save_tokenizer(tiny, path)
    description = json.loads(path.read_text())
    description["added_tokens"] = [
        {"id": 1, "content": "<|mask|>", "special": True, "single_word": False,
         "lstrip": False, "rstrip": False, "normalized": False}
    ]  # fmt: skip
    path.write_text(json.dumps(description))
    with pytest.raises(TokenizerError, match="expected no added_tokens"):
        load_tokenizer(path)
    description["added_tokens"] = []
    vocabulary = description["model"]["vocab"]
    vocabulary["<|mask|>"], vocabulary["<|pad|>"] = 0, 1
    path.write_text(json.dumps(description))
    with pytest.raises(TokenizerError, match=r"expected <\|pad\|> at id 0"):
        load_tokenizer(path)

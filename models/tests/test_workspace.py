"""Chunks of other files: which are chosen, where they stand in a training sequence, and that they give nothing away."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import numpy as np
import pytest

from parafill.batches import BatchSource, SequenceBuilder, context_ids, file_ids
from parafill.config import PRESETS, SequenceConfig
from parafill.export import knows_files
from parafill.siblings import Siblings, imported_stems, stem
from parafill.tokenizer import load_tokenizer
from parafill.workspace import MOST_LINES, Chunk, SourceFile, chunks_of, declarations, near_text, rank_chunks

TOKENIZER = load_tokenizer(Path(__file__).parent.parent / "parafill-small" / "tokenizer.json")
SHAPE = SequenceConfig(lane=224, canvas=96, context=192, with_files=1.0)

ACCOUNT = '''from .ledger import Ledger


class Account:
    """What one customer owns."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def deposit_money(self, amount: int) -> None:
        self.ledger.append_entry(amount)

    def current_balance(self) -> int:
        return self.ledger.total_of_entries()
'''

LEDGER = '''"""Entries of an account in order of time."""


class Ledger:
    def __init__(self) -> None:
        self._entries: list[int] = []

    def append_entry(self, amount: int) -> None:
        self._entries.append(amount)

    def total_of_entries(self) -> int:
        return sum(self._entries)
'''

COLOURS = """def mix_colours(first: str, second: str) -> str:
    red, green, blue = parse_colour(first)
    other_red, other_green, other_blue = parse_colour(second)
    return format_colour((red + other_red) // 2, (green + other_green) // 2, (blue + other_blue) // 2)
"""


@dataclasses.dataclass
class Text:
    path: str
    text: str
    language: str = "python"

    @property
    def ids(self) -> np.ndarray:
        return np.array(TOKENIZER.encode(self.text), np.uint16)


class Texts:
    """A corpus of a few texts, with the interface of the shards' reader."""

    def __init__(self, texts: list[Text], packages: list[int]) -> None:
        self.texts, self.packages = texts, np.array(packages, np.uint16)

    @property
    def lengths(self) -> np.ndarray:
        return np.array([len(text.ids) for text in self.texts])

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> Text:
        return self.texts[index]

    def path(self, index: int) -> str:
        return self.texts[index].path


CORPUS = Texts(
    [
        Text("bank/account.py", ACCOUNT),
        Text("bank/ledger.py", LEDGER),
        Text("bank/copy/account.py", ACCOUNT.replace("customer", "client")),
        Text("paint/colours.py", COLOURS),
    ],
    [0, 0, 0, 1],
)


def test_chunks_end_at_blank_lines_and_are_never_long() -> None:
    lines = [f"line {i}" for i in range(7)] + [""] + [f"more {i}" for i in range(40)] + ["x" * 500, "", ""]
    chunks = chunks_of(lines)
    assert chunks[0] == "\n".join(lines[:7])
    assert max(chunk.count("\n") + 1 for chunk in chunks) == MOST_LINES
    assert "\n".join(chunks) == "\n".join(lines[:7] + lines[8:48])
    assert chunks_of(["", "  ", ""]) == []


DECLARED = [
    ("export function parse(text: string): Node {", True),
    ("  static create(): Thing {", True),
    ("    def close(self) -> None:", True),
    ("const LIMIT = 10;", True),
    ("MAX_SIZE = 3", True),
    ("  const inner = 1;", False),
    ("  return parse(text);", False),
    ("classify(text)", False),
]


@pytest.mark.parametrize(("line", "expected"), DECLARED)
def test_declarations(line: str, expected: bool) -> None:
    assert declarations(line) == ([line] if expected else [])


def test_names_in_common_decide_and_rare_ones_count_more() -> None:
    near = near_text("self.ledger.append_entry(amount)\nself.led", "\nself.total_of_entries()\n")
    assert "self.led\n" not in near and "total_of_entries" in near
    ranked = rank_chunks(near, [SourceFile("p/colours.py", COLOURS), SourceFile("a/b/bank/ledger.py", LEDGER)], 3)
    assert ranked[0].path == "bank/ledger.py"
    assert "append_entry" in ranked[0].text
    assert all("colour" not in chunk.text for chunk in ranked)
    assert rank_chunks("", [SourceFile("p/colours.py", COLOURS)], 3) == []


IMPORTS = [
    ("import { a } from './parts/wheel.js';\nconst b = require('../brake')", ["wheel", "brake"]),
    ("import x from 'react';", []),
    ("from .ledger import Ledger, Entry as E\nimport os.path\n", ["ledger", "Ledger", "Entry", "path"]),
    ("from . import tax\n", ["tax"]),
]


@pytest.mark.parametrize(("text", "expected"), IMPORTS)
def test_imported_modules(text: str, expected: list[str]) -> None:
    assert imported_stems(text) == expected


def test_stem_of_a_folder_module() -> None:
    assert [stem(p) for p in ("a/b/index.ts", "a/b/__init__.py", "a/b.d.ts", "index.js")] == ["b", "b", "b", "index"]


def test_siblings_are_of_the_package_imported_first_and_never_copies() -> None:
    siblings = Siblings(CORPUS, TOKENIZER)
    for seed in range(20):
        found = siblings.draw(0, random.Random(seed))
        assert [(file.path, file.imported) for file in found] == [("bank/ledger.py", True)]
        assert siblings.draw(3, random.Random(seed)) == []


def test_chunks_stand_in_front_and_keep_their_budget() -> None:
    special = TOKENIZER.special
    chunks = [Chunk("bank/ledger.py", LEDGER), Chunk("b.py", LEDGER)]
    files = file_ids(TOKENIZER, chunks, 60)
    assert files[0] == special.file and files.count(special.file) == 1 and len(files) == 60
    assert TOKENIZER.decode(files[1:]) in "bank/ledger.py\n" + LEDGER
    assert file_ids(TOKENIZER, chunks, 10) == []
    ids = context_ids(TOKENIZER, "python", [ACCOUNT, "\n" + COLOURS], 192, 0.25, files)
    assert len(ids) <= 192
    assert ids[0] == TOKENIZER.language["python"] and ids[1:61] == files and ids[61] == special.suf
    # What is in front stays what it is while the text around the hole changes.
    typed = context_ids(TOKENIZER, "python", [ACCOUNT + "x = 1\n", "\n" + COLOURS], 192, 0.25, files)
    assert typed[:61] == ids[:61]


def test_training_contexts_have_chunks_of_other_documents_and_nothing_of_their_own() -> None:
    source = BatchSource(CORPUS, SequenceBuilder(TOKENIZER, PRESETS["tiny"], SHAPE), 4, 1)
    seen = 0
    for step in range(12):
        for ids in source.batch(step).ids[:, : SHAPE.lane].tolist():
            marks = [at for at, token in enumerate(ids) if token == TOKENIZER.special.file]
            if not marks:
                continue
            seen += 1
            suffix = ids.index(TOKENIZER.special.suf)
            assert marks[0] == 1 and marks[-1] < suffix
            assert suffix - 1 <= SHAPE.file_share[1] * SHAPE.context
            text = TOKENIZER.decode(token for token in ids[1:suffix] if token != TOKENIZER.special.file)
            rest = TOKENIZER.decode(token for token in ids[suffix:] if token >= TOKENIZER.first_text)
            # Nobody sees their own lines (the last one may be cut), nor another package's.
            own = [line for line in rest.split("\n")[:-1] if len(line.strip()) > 24]
            assert own and not any(line in text for line in own)
            assert "colour" not in text
    assert seen > 10


def test_what_lies_outside_of_the_window_is_shown_and_nothing_inside_of_it() -> None:
    """Every line of this document says its number, so that none can be in two places by chance."""
    lines = [f"def step_{i}(state):\n    state.append_entry({i}_000_{i})\n" for i in range(300)]
    corpus = Texts([Text("long/steps.py", "\n".join(lines))], [0])
    source = BatchSource(corpus, SequenceBuilder(TOKENIZER, PRESETS["tiny"], SHAPE), 4, 1)
    shown = 0
    for step in range(12):
        for ids in source.batch(step).ids.tolist():
            suffix = ids.index(TOKENIZER.special.suf)
            text, rest = (
                {line.strip() for line in TOKENIZER.decode(t for t in part if t >= TOKENIZER.first_text).split("\n")}
                for part in (ids[1:suffix], ids[suffix:])
            )
            shown += suffix > 1
            assert not {line for line in text & rest if "_" in line and line.endswith((":", ")"))}
    assert shown > 30


def test_same_seed_and_step_give_the_same_batch() -> None:
    def batch() -> list:
        source = BatchSource(CORPUS, SequenceBuilder(TOKENIZER, PRESETS["tiny"], SHAPE), 4, 1)
        return source.batch(3).ids.tolist()

    assert batch() == batch()


def test_with_files_and_without_them_the_holes_are_the_same() -> None:
    def fills(share: float) -> list:
        shape = dataclasses.replace(SHAPE, with_files=share)
        source = BatchSource(CORPUS, SequenceBuilder(TOKENIZER, PRESETS["tiny"], shape), 4, 1)
        return source.batch(3).canvas_targets.tolist()

    assert fills(0.0) == fills(1.0)


RECORDS = [
    ({"stage": "pretrain", "with_files": 0.5}, True),
    ({"stage": "distill", "from": {"stage": "distill", "from": {"stage": "pretrain", "with_files": 0.5}}}, True),
    ({"stage": "pretrain", "with_files": 0.0}, False),
    ({"stage": "distill", "from": {"stage": "pretrain"}}, False),
    ({"stage": "random"}, False),
]


@pytest.mark.parametrize(("training", "expected"), RECORDS)
def test_a_model_is_shown_files_only_if_it_was_trained_with_them(training: dict, expected: bool) -> None:
    assert knows_files(training) is expected

"""What is recalled of texts at hand, and how far it is believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parafill.corpus.shards import Document
from parafill.ngrams import LONGEST, Ngrams, count_ngrams
from parafill.opening import Lead
from parafill.recall import NEAR, ORDERS, BehindHole, HoleMemory, Recall, RecallWeights, fit, mixed
from parafill.tokenizer import load_tokenizer

EOH = 2
TOKENIZER = load_tokenizer(Path(__file__).resolve().parent.parent / "parafill-small")
NOTHING = BehindHole(TOKENIZER, [])
_HALF = [[0.5] * 3] * 3
FLAT = RecallWeights(ORDERS, [[_HALF] * len(ORDERS)] * (1 + len(NEAR)), [_HALF] * LONGEST)


@pytest.mark.parametrize(
    ("texts", "before", "expected"),
    [
        # Once, after one token.
        ([[110, 111]], [110], [((0, 0, 0, 2), {111: 1.0})]),
        # Nothing follows, or nothing like it is there.
        ([[110, 111]], [111], []),
        ([[110, 111]], [112], []),
        # Not across texts.
        ([[110], [111]], [110], []),
        # Two tokens agree in one place, one token in two.
        (
            [[109, 110, 111, 108, 110, 112]],
            [109, 110],
            [((0, 1, 0, 2), {111: 1.0}), ((0, 0, 1, 0), {111: 0.5, 112: 0.5})],
        ),
        # What is as long as two orders counts for both; the longest stand first.
        (
            [[107, 108, 109, 110]],
            [107, 108, 109],
            [((0, 2, 0, 2), {110: 1.0}), ((0, 1, 0, 2), {110: 1.0}), ((0, 0, 0, 2), {110: 1.0})],
        ),
        # Often, and nearly always the same.
        ([[110, 111] * 9 + [110, 112]], [110], [((0, 0, 2, 1), {111: 0.9, 112: 0.1})]),
    ],
)
def test_evidence(texts: list[list[int]], before: list[int], expected: list) -> None:
    assert Recall(texts, NOTHING).evidence(before, None, None) == expected


def test_where_what_follows_the_hole_follows_the_hole_ends() -> None:
    recall = Recall([[110, 111], [110, 112]], BehindHole(TOKENIZER, [111]))
    assert recall.evidence([110], EOH, None)[-1][1] == {EOH: 0.5, 112: 0.5}
    # No hole is empty.
    assert recall.evidence([110], None, None)[-1][1] == {111: 0.5, 112: 0.5}


def test_places_near_what_stands_behind_the_hole_come_first() -> None:
    texts = [[110, 111, 120], [110, 112, 120, 130], [110, 113, 120, 130, 131], [110, 114, *[120] * 7, 130]]
    found = dict(Recall(texts, BehindHole(TOKENIZER, [130, 131, 132])).evidence([110], EOH, None))
    assert list(found) == [(2, 0, 0, 2), (1, 0, 1, 0), (0, 0, 2, 0)]
    assert list(found.values()) == [
        {113: 1.0},
        {112: 0.5, 113: 0.5},
        {111: 0.25, 112: 0.25, 113: 0.25, 114: 0.25},
    ]


def test_where_all_goes_on_as_around_the_hole_long_holes_are_known_by_four_tokens() -> None:
    behind = BehindHole(TOKENIZER, [130, 131, 132, 133, 134])
    assert behind.nearness([110, *[120] * 63, 130, 131, 132, 133])[:2].tolist() == [3, 3]
    assert behind.nearness([110, *[120] * 64, 130, 131, 132, 133])[:2].tolist() == [0, 3]
    assert behind.nearness([110, *[120] * 63, 130, 131, 132, 134])[:2].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("elsewhere", "behind", "expected"),
    [
        # The closing bracket and what stands behind the hole are one token there.
        ("run(one);", ";", ")"),
        ("run(one)", ";", ")"),
        ("run(one;", ";", None),
        # Another line is another line, however far it is indented.
        ("run(one\n        two", "\n  three", None),
        ("run(one\n", "", "\n"),
    ],
)
def test_what_stands_behind_a_hole_is_no_part_of_it(elsewhere: str, behind: str, expected: str | None) -> None:
    after = TOKENIZER.encode(behind)
    recall = Recall([TOKENIZER.encode(elsewhere)], BehindHole(TOKENIZER, after))
    ((_, shares), *_) = recall.evidence(TOKENIZER.encode("(one"), EOH, None)
    assert shares == {EOH if expected is None else TOKENIZER.encode(expected)[0]: 1.0}


def test_only_what_may_come_is_recalled() -> None:
    recall = Recall([[110, 111], [110, 112]], NOTHING)
    assert recall.evidence([110], None, np.array([112, 113]))[0][1] == {112: 1.0}


def test_n_grams_of_the_corpus_come_last() -> None:
    rows = np.array([[109, 110, 111], [109, 110, 112], [108, 110, 111]] * 20)
    documents = [Document(row, "python", "p", "a.py") for row in rows]
    ngrams = count_ngrams(documents, TOKENIZER.size, TOKENIZER.first_text, least=20, share=0.1)
    found = Recall([[110, 113]], NOTHING, ngrams=ngrams).evidence([109, 110], EOH, None)
    assert [cell for cell, _ in found] == [(0, 0, 0, 2), (4, 1, 0, 0), (4, 0, 0, 1)]
    assert found[1][1] == pytest.approx({111: 0.5, 112: 0.5})
    assert found[2][1] == pytest.approx({111: 2 / 3, 112: 1 / 3}, rel=0.03)
    assert ngrams.followers([109, 110], 3) is None and ngrams.followers([107], 1) is None


def test_a_hole_looks_back_through_its_own_tokens() -> None:
    recall = Recall([[108, 109, 110, 111, 112]], BehindHole(TOKENIZER, [112]))
    memory = HoleMemory(recall, FLAT, [108, 109], EOH, Lead([]))
    assert memory.evidence([])[0] == ((1, 1, 0, 2), {110: 1.0})
    assert memory.evidence([110])[0] == ((1, 2, 0, 2), {111: 1.0})
    assert memory.evidence([110, 111])[0][1] == {EOH: 1.0}
    # Behind a gap nothing is known of what stands before it.
    assert memory.evidence([110], from_start=False)[0] == ((1, 0, 0, 2), {111: 1.0})
    assert memory.behind([110]).evidence([])[0] == ((1, 2, 0, 2), {111: 1.0})


def test_each_order_takes_its_weight_of_what_longer_ones_left() -> None:
    logs = np.log(np.full(20, 0.05))
    found = np.exp(mixed(logs, [((0, 1, 0, 0), {10: 1.0}), ((0, 0, 0, 0), {11: 0.5, 12: 0.5})], FLAT))
    assert found.sum() == pytest.approx(1)
    assert found[10] == pytest.approx(0.05 / 4 + 0.5)
    assert found[11] == pytest.approx(0.05 / 4 + 0.25 / 2)
    assert found[13] == pytest.approx(0.05 / 4)


def test_weights_are_found_again() -> None:
    """What is recalled is right in 7 of 10 places, where the network gives hardly anything."""
    cell = (0, 0, 0, 2)
    places = [(0.001, [(cell, 1.0 if i % 10 < 7 else 0.0)]) for i in range(1000)]
    assert fit(places).weights[0][0][0][2] == pytest.approx(0.7, abs=0.01)
    # Where the network knows better anyway, it is left alone.
    assert fit([(0.9, [(cell, 0.0)])] * 1000).weights[0][0][0][2] < 0.01


def test_a_table_is_read_as_it_was_saved(tmp_path: Path) -> None:
    documents = [Document(np.array([108, 109, 110] * 30), "python", "p", "a.py")]
    ngrams = count_ngrams(documents, TOKENIZER.size, TOKENIZER.first_text, least=4, share=0.1)
    ngrams.save(tmp_path / "table")
    read = Ngrams.load(tmp_path / "table")
    for before in ([108], [109], [107, 108, 109], [110, 108, 109]):
        for count in range(1, LONGEST + 1):
            assert read.followers(before, count) == ngrams.followers(before, count)
    assert read.followers([110, 108, 109], 3) == (0, {110: 1.0})
    # Nothing is counted across documents.
    apart = [Document(np.array(ids), "python", "p", "a.py") for ids in ([108, 109], [110])]
    assert count_ngrams(apart, TOKENIZER.size, TOKENIZER.first_text, 1, 0.1).followers([109], 1) is None

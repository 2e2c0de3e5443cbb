"""What is recalled of texts at hand, and how far it is believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parafill.opening import Lead
from parafill.recall import ORDERS, BehindHole, HoleMemory, Recall, RecallWeights, fit, mixed
from parafill.tokenizer import load_tokenizer

EOH = 2
TOKENIZER = load_tokenizer(Path(__file__).resolve().parent.parent / "parafill-small")
NOTHING = BehindHole(TOKENIZER, None)
FLAT = RecallWeights(ORDERS, [[[0.5] * 3] * 3] * len(ORDERS))


@pytest.mark.parametrize(
    ("texts", "before", "expected"),
    [
        # Once, after one token.
        ([[110, 111]], [110], [((0, 0, 2), {111: 1.0})]),
        # Nothing follows, or nothing like it is there.
        ([[110, 111]], [111], []),
        ([[110, 111]], [112], []),
        # Not across texts.
        ([[110], [111]], [110], []),
        # Two tokens agree in one place, one token in two.
        ([[109, 110, 111, 108, 110, 112]], [109, 110], [((1, 0, 2), {111: 1.0}), ((0, 1, 0), {111: 0.5, 112: 0.5})]),
        # What is as long as two orders counts for both; the longest stand first.
        (
            [[107, 108, 109, 110]],
            [107, 108, 109],
            [((2, 0, 2), {110: 1.0}), ((1, 0, 2), {110: 1.0}), ((0, 0, 2), {110: 1.0})],
        ),
        # Often, and nearly always the same.
        ([[110, 111] * 9 + [110, 112]], [110], [((0, 2, 1), {111: 0.9, 112: 0.1})]),
    ],
)
def test_evidence(texts: list[list[int]], before: list[int], expected: list) -> None:
    assert Recall(texts).evidence(before, NOTHING, None, None) == expected


def test_where_what_follows_the_hole_follows_the_hole_ends() -> None:
    recall = Recall([[110, 111], [110, 112]])
    assert recall.evidence([110], BehindHole(TOKENIZER, 111), EOH, None)[0][1] == {EOH: 0.5, 112: 0.5}
    # No hole is empty.
    assert recall.evidence([110], BehindHole(TOKENIZER, 111), None, None)[0][1] == {111: 0.5, 112: 0.5}


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
    hole = BehindHole(TOKENIZER, after[0] if after else None)
    ((_, shares), *_) = Recall([TOKENIZER.encode(elsewhere)]).evidence(TOKENIZER.encode("(one"), hole, EOH, None)
    assert shares == {EOH if expected is None else TOKENIZER.encode(expected)[0]: 1.0}


def test_only_what_may_come_is_recalled() -> None:
    assert Recall([[110, 111], [110, 112]]).evidence([110], NOTHING, None, np.array([112, 113]))[0][1] == {112: 1.0}


def test_a_hole_looks_back_through_its_own_tokens() -> None:
    memory = HoleMemory(
        Recall([[108, 109, 110, 111, 112]]), FLAT, [108, 109], BehindHole(TOKENIZER, 112), EOH, Lead([]), None
    )
    assert memory.evidence([])[0] == ((1, 0, 2), {110: 1.0})
    assert memory.evidence([110])[0] == ((2, 0, 2), {111: 1.0})
    assert memory.evidence([110, 111])[0][1] == {EOH: 1.0}
    # Behind a gap nothing is known of what stands before it.
    assert memory.evidence([110], from_start=False)[0] == ((0, 0, 2), {111: 1.0})
    assert memory.behind([110]).evidence([])[0] == ((2, 0, 2), {111: 1.0})


def test_each_order_takes_its_weight_of_what_longer_ones_left() -> None:
    logs = np.log(np.full(20, 0.05))
    found = np.exp(mixed(logs, [((1, 0, 0), {10: 1.0}), ((0, 0, 0), {11: 0.5, 12: 0.5})], FLAT))
    assert found.sum() == pytest.approx(1)
    assert found[10] == pytest.approx(0.05 / 4 + 0.5)
    assert found[11] == pytest.approx(0.05 / 4 + 0.25 / 2)
    assert found[13] == pytest.approx(0.05 / 4)


def test_weights_are_found_again() -> None:
    """What is recalled is right in 7 of 10 places, where the network gives hardly anything."""
    cell = (0, 0, 2)
    places = [(0.001, [(cell, 1.0 if i % 10 < 7 else 0.0)]) for i in range(1000)]
    assert fit(places).weights[0][0][2] == pytest.approx(0.7, abs=0.01)
    # Where the network knows better anyway, it is left alone.
    assert fit([(0.9, [(cell, 0.0)])] * 1000).weights[0][0][2] < 0.01

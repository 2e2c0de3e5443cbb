"""What is recalled of texts at hand, and how far it is believed."""

from __future__ import annotations

import numpy as np
import pytest

from parafill.opening import Lead
from parafill.recall import ORDERS, HoleMemory, Recall, RecallWeights, fit, mixed

EOH = 2
FLAT = RecallWeights(ORDERS, [[[0.5] * 3] * 3] * len(ORDERS))


@pytest.mark.parametrize(
    ("texts", "before", "expected"),
    [
        # Once, after one token.
        ([[10, 11]], [10], [((0, 0, 2), {11: 1.0})]),
        # Nothing follows, or nothing like it is there.
        ([[10, 11]], [11], []),
        ([[10, 11]], [12], []),
        # Not across texts.
        ([[10], [11]], [10], []),
        # Two tokens agree in one place, one token in two.
        ([[9, 10, 11, 8, 10, 12]], [9, 10], [((1, 0, 2), {11: 1.0}), ((0, 1, 0), {11: 0.5, 12: 0.5})]),
        # What is as long as two orders counts for both; the longest stand first.
        ([[7, 8, 9, 10]], [7, 8, 9], [((2, 0, 2), {10: 1.0}), ((1, 0, 2), {10: 1.0}), ((0, 0, 2), {10: 1.0})]),
        # Often, and nearly always the same.
        ([[10, 11] * 9 + [10, 12]], [10], [((0, 2, 1), {11: 0.9, 12: 0.1})]),
    ],
)
def test_evidence(texts: list[list[int]], before: list[int], expected: list) -> None:
    assert Recall(texts).evidence(before, None, None, None) == expected


def test_where_what_follows_the_hole_follows_the_hole_ends() -> None:
    recall = Recall([[10, 11], [10, 12]])
    assert recall.evidence([10], 11, EOH, None)[0][1] == {EOH: 0.5, 12: 0.5}
    # No hole is empty.
    assert recall.evidence([10], 11, None, None)[0][1] == {11: 0.5, 12: 0.5}


def test_only_what_may_come_is_recalled() -> None:
    assert Recall([[10, 11], [10, 12]]).evidence([10], None, None, np.array([12, 13]))[0][1] == {12: 1.0}


def test_a_hole_looks_back_through_its_own_tokens() -> None:
    memory = HoleMemory(Recall([[8, 9, 10, 11, 12]]), FLAT, [8, 9], 12, EOH, Lead([]), None)
    assert memory.evidence([])[0] == ((1, 0, 2), {10: 1.0})
    assert memory.evidence([10])[0] == ((2, 0, 2), {11: 1.0})
    assert memory.evidence([10, 11])[0][1] == {EOH: 1.0}
    # Behind a gap nothing is known of what stands before it.
    assert memory.evidence([10], from_start=False)[0] == ((0, 0, 2), {11: 1.0})
    assert memory.behind([10]).evidence([])[0] == ((2, 0, 2), {11: 1.0})


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

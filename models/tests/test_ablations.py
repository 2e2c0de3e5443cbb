"""Ablations: choices that training knows, and tables that compare runs of the same seed."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from parafill.config import PRESETS, SequenceConfig
from parafill.model import Transformer
from parafill.optim import Muon
from parafill.pretraining import PretrainConfig, Trainer
from parafill.training import Budget
from scripts import ablate
from tasks.distill_ablation import seeds_table
from tasks.metrics import spread_cell


@pytest.mark.parametrize("name", ablate.VARIANTS)
def test_every_choice_is_one_that_training_knows(name: str) -> None:
    training, drawing = ablate.VARIANTS[name]
    dataclasses.replace(PretrainConfig(Budget(steps=1)), **training)
    dataclasses.replace(SequenceConfig(), **drawing)


def test_a_table_has_gaps_to_the_usual_run_of_the_same_seed() -> None:
    def run(masked: float) -> dict[str, float]:
        return {"causal": 5.0, "masked": masked, "masked, all masked": 7.0}

    # The seeds differ by much, the choices by 0.1 each time.
    found = {ablate.USUAL: [run(6.0), run(7.0)], "other": [run(6.1), run(7.1)]}
    usual, other = ablate.table(found).splitlines()[2:]
    assert usual == "| as it is | 5.000 ± 0.000 | 6.500 ± 0.707 | 7.000 ± 0.000 | 2 |"
    assert "6.600 ± 0.707 (+0.100 ± 0.000)" in other


def test_one_seed_has_no_deviation() -> None:
    assert spread_cell([1.5]) == "1.500"


def test_seeds_of_a_choice_are_averaged_and_the_teacher_is_not_one() -> None:
    figures = {"teacher": {"entropy": 9.0}, "JSD, seed 2": {"entropy": 1.0}, "JSD, seed 3": {"entropy": 2.0}}
    table = seeds_table(figures, {"JSD, seed 2": "JSD", "JSD, seed 3": "JSD"})
    assert table.splitlines()[2:] == ["| JSD | 1.500 ± 0.707 |"]


def test_without_muon_adamw_updates_the_matrices_at_its_own_rate() -> None:
    config = PretrainConfig(Budget(steps=1), adam_rate=1e-3)
    model = Transformer(PRESETS["tiny"])
    usual = Trainer(model, config, torch.device("cpu"))
    other = Trainer(model, dataclasses.replace(config, muon=False), torch.device("cpu"))
    assert isinstance(usual.matrices, Muon) and usual.matrix_rate == config.muon_rate
    assert isinstance(other.matrices, torch.optim.AdamW) and other.matrix_rate == 1e-3
    updated = [p for group in other.matrices.param_groups for p in group["params"]]
    assert {id(p) for p in updated} == {id(p) for p in model.matrices()}

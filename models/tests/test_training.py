"""Training machinery: optimiser, resume, distillation targets, checkpoints that refuse what does not fit."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from parafill.batches import IGNORE, LONGEST_LEAD, Batch, BatchSource, SequenceBuilder, context_ids, split_lead
from parafill.checkpoint import CheckpointError, average, load_model, save_checkpoint
from parafill.config import PRESETS, ModelConfig, SequenceConfig
from parafill.distill import SUBSTEPS, _before_end, certainty, divergence, reveal_chance, teacher_targets, with_hazards
from parafill.model import Transformer
from parafill.optim import learning_rate, orthogonalise
from parafill.pretraining import PretrainConfig, continued, pretrain
from parafill.tokenizer import load_tokenizer
from parafill.training import Budget, NonFiniteLoss, check_finite
from parafill.utilisation import training_flops

TOKENIZER = Path(__file__).parent.parent / "parafill-small" / "tokenizer.json"
CONFIG = PRESETS["tiny"]
SHAPE = SequenceConfig(lane=128, canvas=96, context=100)
#: <eoh>, as the tokenizer has it.
EOH = 2

SOURCE = '''def mean(values: list[float]) -> float:
    """Arithmetic mean of the values."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


class Stack:
    def __init__(self) -> None:
        self.items: list[int] = []

    def push(self, item: int) -> None:
        self.items.append(item)

    def pop(self) -> int:
        return self.items.pop()
'''


@dataclasses.dataclass
class Text:
    ids: np.ndarray
    language: str = "python"
    path: str = "src/one.py"


class OneDocument:
    """A corpus of one text, with the interface of the shards' reader."""

    def __init__(self, ids: np.ndarray) -> None:
        self.document, self.lengths, self.packages = Text(ids), np.array([len(ids)]), np.zeros(1, np.uint16)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Text:
        return self.document

    def path(self, index: int) -> str:
        return self.document.path


def make_source(seed: int = 1) -> BatchSource:
    tokenizer = load_tokenizer(TOKENIZER)
    document = OneDocument(np.array(tokenizer.encode(SOURCE * 3), np.uint16))
    return BatchSource(document, SequenceBuilder(tokenizer, CONFIG, SHAPE), 2, seed)


@pytest.fixture(scope="module")
def batch() -> Batch:
    return make_source().batch(0)


def test_same_seed_and_step_give_the_same_batch() -> None:
    one, other = make_source().batch(5), make_source().batch(5)
    assert torch.equal(one.ids, other.ids)
    assert not torch.equal(one.ids, make_source().batch(6).ids)


def test_every_masked_canvas_position_has_its_token_as_target(batch: Batch) -> None:
    canvas = batch.ids[:, batch.lane :]
    hidden = batch.canvas_targets != IGNORE
    assert hidden.any()
    assert (canvas[hidden] == 1).all()
    assert (batch.canvas_targets[hidden] >= 2).all()


TEXTS = ["", "x", "return ", "a\n", "a\n  b ", "def f():\n    return x +  ", "é = ['ß', ", "y\n" + "z + " * 60]


@pytest.mark.parametrize("text", TEXTS)
def test_lead_is_the_beginning_of_the_line(text: str) -> None:
    tokenizer = load_tokenizer(TOKENIZER)
    kept, lead, blank = split_lead(tokenizer, text)
    assert kept + tokenizer.decode(lead) + " " * blank == text
    assert not lead or kept == "" or kept.endswith("\n")
    assert len(lead) <= LONGEST_LEAD


def test_leads_are_given_on_their_canvases_and_learnt_in_the_lane() -> None:
    source = make_source()
    tokenizer = source.builder.tokenizer
    leads = 0
    for seed in range(40):
        built = source.builder.build(source.documents[0], random.Random(seed))
        if built is None or len(built[0].fills) > 1:
            continue
        lane, canvases = built
        lead = lane.fills[0][: lane.leads[0]]
        leads += bool(lead)
        for canvas in canvases:
            if canvas.inputs[0] == tokenizer.fill[0]:
                assert canvas.inputs[1 : 1 + len(lead)] == lead
                assert canvas.targets[: 1 + len(lead)] == [IGNORE] * (1 + len(lead))
        assert lane.ids[lane.starts[0] + 1 :][: len(lead)] == lead
    assert leads > 5


def test_beginning_of_the_text_below_is_said_once_more_behind_the_last_hole() -> None:
    tokenizer = load_tokenizer(TOKENIZER)
    special, below = tokenizer.special, tokenizer.encode("\n\n    return total / len(values)\n")
    segments = ["for value in values:\n", ";\n\n    return total / len(values)\n"]
    usual = context_ids(tokenizer, "python", segments, 100, 0.25)
    assert usual[2 : usual.index(special.pre)] == below
    for count in (1, 5, 1000):
        assert context_ids(tokenizer, "python", segments, 100, 0.25, repeated_below=count) == usual + below[:count]
    with pytest.raises(ValueError, match="more than the context of 10"):
        context_ids(tokenizer, "python", segments, 10, 0.25, repeated_below=1000)


def test_training_goes_on_with_another_layout_but_not_with_another_shape(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, Transformer(CONFIG), {})
    assert continued(tmp_path, dataclasses.replace(CONFIG, repeated_below=7)).config.repeated_below == 7
    with pytest.raises(ValueError, match=r"expected a model of shape .*layers=3"):
        continued(tmp_path, dataclasses.replace(CONFIG, layers=3))


def test_share_is_masked_over_content(batch: Batch) -> None:
    hidden = batch.canvas_targets != IGNORE
    assert (batch.share[hidden] > 0).all() and (batch.share <= 1).all()


def test_orthogonalise_brings_singular_values_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((64, 64), (32, 96), (96, 32)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)).float())
        # A singular value near zero takes more than five iterations; the bulk must be there.
        assert values.quantile(0.1) > 0.5 and values.max() < 1.3, shape


def test_training_flops_of_a_hand_made_case() -> None:
    model = ModelConfig(layers=1, dim=4, heads=2, kv_heads=1, head_dim=2, ffn=8, vocab_size=16, context_length=8)
    # Weights: query and output 4 x 4, key and value 4 x 2, three of 4 x 8: 144. Lane 8, canvas 4.
    forward = 2 * 144 * 12 + 2 * 4 * 16 * 8 + 4 * 4 * (8 * 8 / 2 + 4 * 12 / 2)
    assert training_flops(model, lane=8, canvas=4) == 3 * forward


def test_learning_rate_warms_up_stays_and_ends_at_zero() -> None:
    assert learning_rate(0.0) < 0.05
    assert learning_rate(0.3) == 1.0
    assert learning_rate(0.75) == pytest.approx(0.5)
    assert learning_rate(1.0) == 0.0
    assert learning_rate(0.75, decay_to=0.2) == pytest.approx(0.6)
    assert learning_rate(1.0, decay_to=0.2) == pytest.approx(0.2)


def _pretrain(folder: Path, steps: int, budget: int) -> Path:
    # The schedule belongs to the whole budget, so a shorter part of a run is one that is interrupted.
    config = PretrainConfig(Budget(steps=budget), compile=False)
    if steps < budget:
        config = dataclasses.replace(config, stop_after=steps)
    return pretrain(CONFIG, config, functools.partial(make_source, 1), None, folder)


def test_resumed_run_equals_uninterrupted(tmp_path: Path) -> None:
    torch.use_deterministic_algorithms(True)
    try:
        whole = load_model(_pretrain(tmp_path / "whole", 6, 6))
        _pretrain(tmp_path / "parts", 3, 6)
        parts = load_model(_pretrain(tmp_path / "parts", 6, 6))
    finally:
        torch.use_deterministic_algorithms(False)
    for (name, a), (_, b) in zip(whole.named_parameters(), parts.named_parameters(), strict=True):
        assert torch.equal(a, b), name


def test_nan_loss_stops_the_run_with_advice() -> None:
    with pytest.raises(NonFiniteLoss, match=r"step 7.*last good checkpoint is kept"):
        check_finite(float("nan"), 7)


@pytest.mark.parametrize(
    ("share", "step"), [(1.0, 1 / 16), (1.0, 0.25), (0.6, 0.25), (0.5, 0.25), (0.3, 0.25), (0.2, 0.25)]
)
def test_two_sub_steps_leave_what_two_steps_of_time_leave(share: float, step: float) -> None:
    """From a share t, t - d and then t - 2d remain masked, but never less than nothing."""
    left = torch.tensor([share])
    for substep in range(SUBSTEPS):
        left = left * (1 - reveal_chance(torch.tensor([share]), substep, step))
    assert left.item() == pytest.approx(max(0.0, share - SUBSTEPS * step), abs=1e-6)


class Wavering(Transformer):
    """Says something else at every look, so that one can tell looks apart."""

    looks = 0

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        self.looks += 1
        return super().logits(hidden) + self.looks * torch.linspace(0, 1, self.config.vocab_size)


def test_a_token_keeps_the_vector_of_the_sub_step_that_revealed_it(batch: Batch) -> None:
    """So a share d / t of the masked tokens has the vectors of the first look."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(3)

    def targets_of(step: float) -> torch.Tensor:
        teacher.looks = 0
        targets, valid = teacher_targets(teacher, batch, step, EOH, generator)
        assert torch.allclose(targets.exp().sum(-1), torch.ones(len(targets)), atol=1e-4)
        assert valid.any()
        return targets

    teacher, step, draws = Wavering(CONFIG).eval(), 0.25, 40
    first = targets_of(1.0)
    kept = torch.stack([(targets_of(step) == first).all(-1) for _ in range(draws)]).float().mean(0)
    expected = (step / batch.share[batch.masked_places]).clamp(max=1)
    assert (expected < 1).any()
    spread = (expected * (1 - expected) / draws).sum().sqrt() / len(expected)
    assert abs(kept.mean() - expected.mean()) < 4 * spread


def test_whole_step_needs_no_second_teacher_look(batch: Batch) -> None:
    """A step of the whole hole reveals everything at once: the targets are the teacher's first vectors."""
    torch.manual_seed(0)
    teacher = Transformer(CONFIG).eval()
    targets, _ = teacher_targets(teacher, batch, 1.0, 2, torch.Generator().manual_seed(3))
    again, _ = teacher_targets(teacher, batch, 1.0, 2, torch.Generator().manual_seed(4))
    assert torch.equal(targets, again)


def test_positions_behind_a_drawn_end_do_not_count(batch: Batch) -> None:
    masked = batch.canvas_targets != IGNORE
    ids = batch.ids[:, batch.lane :].clone()
    row, place = map(int, masked.nonzero()[0])
    ids[row, place] = 2
    valid = torch.zeros_like(masked)
    valid[masked] = _before_end(ids, batch, 2)[masked]
    same = masked[row] & (batch.index[row] == batch.index[row, place])
    behind = same & (torch.arange(len(same)) > place)
    assert valid[row, place]
    assert not valid[row][behind].any()
    assert valid[row][masked[row] & ~same].all()


def test_hazards_replace_the_end_and_leave_the_rest_in_proportion() -> None:
    torch.manual_seed(4)
    logs = torch.log_softmax(torch.randn(5, 7), dim=-1)
    hazards = torch.tensor([0.0001, 0.1, 0.5, 0.9, 0.9999]).log()
    found = with_hazards(logs, hazards, 2)
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(5))
    torch.testing.assert_close(found[:, 2], hazards)
    torch.testing.assert_close(found[:, 0] - found[:, 5], logs[:, 0] - logs[:, 5])


def test_divergence_is_zero_only_for_equal_distributions() -> None:
    a = torch.log_softmax(torch.randn(4, 9), -1)
    b = torch.log_softmax(torch.randn(4, 9), -1)
    assert divergence(a, a, 0.5).item() == pytest.approx(0, abs=1e-6)
    for share in (0.0, 0.5, 1.0):
        assert divergence(a, b, share).item() > 0


STUDENT, TEACHER = torch.tensor([[0.5, 0.25, 0.25]]).log(), torch.tensor([[0.25, 0.5, 0.25]]).log()
#: KL of 1/2 against 1/4 and back on two tokens, the third is equal: ln 2 (1/2 - 1/4).
KL = math.log(2) / 4
#: Each against the middle (3/8, 3/8, 1/4).
JSD = 0.5 * math.log(4 / 3) + 0.25 * math.log(2 / 3)


@pytest.mark.parametrize(
    ("reverse", "jsd", "expected"),
    [(1, 0, KL), (0, 0, KL), (0, 1, JSD), (0.5, 0.5, (KL + JSD) / 2), (0.2, 0.5, (KL + JSD) / 2)],
)
def test_divergences_of_a_hand_made_case(reverse: float, jsd: float, expected: float) -> None:
    assert divergence(STUDENT, TEACHER, reverse, jsd_share=jsd).item() == pytest.approx(expected, abs=1e-6)
    # Rows that do not count change nothing.
    student, teacher = torch.cat([STUDENT, STUDENT]), torch.cat([TEACHER, STUDENT])
    found = divergence(student, teacher, reverse, torch.tensor([True, False]), jsd)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_reverse_divergence_punishes_what_the_teacher_never_says() -> None:
    wide, narrow = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.999, 0.001]]).log()
    # The student is wide where the teacher is narrow, then the other way round.
    assert divergence(wide, narrow, 1).item() == pytest.approx(
        0.5 * math.log(0.5 / 0.999) + 0.5 * math.log(500), abs=1e-4
    )
    assert divergence(wide, narrow, 0).item() == pytest.approx(math.log(2) - 0.0079, abs=1e-3)
    assert divergence(narrow, wide, 0).item() > divergence(narrow, wide, 1).item()


def test_certainty_is_the_entropy_of_what_is_right() -> None:
    logs = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.8, 0.1, 0.1]]).log()
    everything = torch.tensor([True, True, True])
    right = torch.tensor([0, 0, 1])
    assert certainty(logs, right, everything).item() == pytest.approx(1.5 * math.log(2))
    assert certainty(logs, torch.tensor([1, 0, 1]), everything).item() == 0
    assert certainty(logs, right, torch.tensor([False, True, True])).item() == 0


def test_checkpoint_of_another_shape_is_refused_by_name(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", Transformer(CONFIG), {})
    other = json.loads(CONFIG.to_json()) | {"ffn": 64}
    (tmp_path / "c" / "config.json").write_text(json.dumps(other))
    with pytest.raises(CheckpointError, match=r"blocks\.0\.down\.weight: expected .* found"):
        load_model(tmp_path / "c")


def test_missing_or_damaged_checkpoint_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint here"):
        load_model(tmp_path)
    save_checkpoint(tmp_path / "c", Transformer(CONFIG), {})
    weights = tmp_path / "c" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="damaged"):
        load_model(tmp_path / "c")


def test_an_average_is_the_mean_of_every_weight() -> None:
    first, second = Transformer(CONFIG), Transformer(CONFIG)
    mean = average([first, second], [0.75, 0.25])
    for name, p in mean.named_parameters():
        torch.testing.assert_close(p, 0.75 * first.get_parameter(name) + 0.25 * second.get_parameter(name))
    with pytest.raises(ValueError, match="1 in all"):
        average([first, second], [0.75, 0.75])
    with pytest.raises(ValueError, match="one shape"):
        average([first, Transformer(dataclasses.replace(CONFIG, ffn=64))], [0.5, 0.5])


def test_configs_older_than_a_switch_have_its_default() -> None:
    values = json.loads(CONFIG.to_json())
    assert ModelConfig.from_json(json.dumps(values)) == CONFIG
    for switch in ("channel_scales", "qk_norm", "qkv_bias", "tied", "scaled_embedding"):
        del values[switch]
    assert ModelConfig.from_json(json.dumps(values)) == CONFIG


@pytest.mark.parametrize(("change", "odd"), [({"dim": None}, "dim"), ({"depth": 3}, "depth")])
def test_configs_with_an_unknown_or_without_a_needed_key_are_refused(change: dict, odd: str) -> None:
    values = {name: value for name, value in (json.loads(CONFIG.to_json()) | change).items() if value is not None}
    with pytest.raises(ValueError, match=rf"unknown or missing keys \['{odd}'\]"):
        ModelConfig.from_json(json.dumps(values))

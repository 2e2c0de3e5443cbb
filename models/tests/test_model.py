"""The network and its masks: nothing leaks, the cache is exact, losses are what they say."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from parafill import attention
from parafill.attention import canvas_mask
from parafill.batches import IGNORE, Canvas, Lane, build_lane, collate
from parafill.config import PRESETS, SequenceConfig
from parafill.diffusion import losses
from parafill.model import Transformer
from parafill.tokenizer import load_tokenizer

TOKENIZER = Path(__file__).parent.parent / "parafill-small" / "tokenizer.json"
CONFIG = PRESETS["tiny"]
SHAPE = SequenceConfig(lane=64, canvas=48, context=40)


@pytest.fixture
def model() -> Transformer:
    torch.manual_seed(0)
    model = Transformer(CONFIG).eval()
    with torch.no_grad():  # residual outputs start at zero; here they must do something
        for p in model.parameters():
            if p.ndim == 2:
                p.normal_(std=p.shape[1] ** -0.5)
    return model


def lane_with_fills(fills: list[list[int]], context: int = 20) -> Lane:
    rng = random.Random(1)
    ids = [rng.randrange(32, 500) for _ in range(context)]
    positions = list(range(context))
    starts = []
    for hole, fill in enumerate(fills):
        starts.append(len(ids))
        first = context + CONFIG.hole_stride * hole
        ids += [24 + hole, *fill, 2]
        positions += range(first, first + len(fill) + 2)
    return Lane(ids, positions, [*ids[1:], IGNORE], context, starts, fills, [0] * len(fills))


def canvas(lane: Lane, hole: int, visible: int, group: int, shown: int | None = None) -> Canvas:
    """A canvas whose tokens are masked, but for token `shown`."""
    fill = lane.fills[hole]
    inputs = [24 + hole, *[t if i == shown else 1 for i, t in enumerate(fill)]]
    targets = [IGNORE, *[IGNORE if i == shown else t for i, t in enumerate(fill)]]
    return Canvas(inputs, targets, lane.context + CONFIG.hole_stride * hole, visible, group, len(fill))


def run(model: Transformer, lane: Lane, canvases: list[Canvas]) -> torch.Tensor:
    """Logits [canvas positions, vocab] of one sequence."""
    batch = collate([(lane, canvases)], SHAPE, pad=0)
    with torch.no_grad():
        mask = canvas_mask(batch.visible, batch.group, batch.lane)
        hidden, _ = model(batch.ids, batch.positions, batch.lane, mask)
        return model.logits(hidden[0, batch.lane :])


def test_canvas_logits_do_not_change_when_its_target_does(model: Transformer) -> None:
    one, other = (
        lane_with_fills([[40, 41, 42], [50, 51]]),
        lane_with_fills([[90, 91, 92], [50, 51]]),
    )
    a = run(model, one, [canvas(one, 0, one.starts[0], 0)])
    b = run(model, other, [canvas(other, 0, other.starts[0], 0)])
    assert torch.equal(a[:4], b[:4])


def test_later_canvas_does_see_earlier_clean_fill(model: Transformer) -> None:
    one, other = (
        lane_with_fills([[40, 41, 42], [50, 51]]),
        lane_with_fills([[90, 91, 92], [50, 51]]),
    )
    a = run(model, one, [canvas(one, 1, one.starts[1], 0)])
    b = run(model, other, [canvas(other, 1, other.starts[1], 0)])
    assert not torch.allclose(a[:3], b[:3])


def test_joint_canvases_see_each_other_but_not_other_groups(model: Transformer) -> None:
    lane = lane_with_fills([[40, 41, 42], [50, 51]])
    base = [canvas(lane, 0, 20, 0), canvas(lane, 1, 20, 0), canvas(lane, 1, 20, 1)]
    shown = [canvas(lane, 0, 20, 0), canvas(lane, 1, 20, 0, shown=0), canvas(lane, 1, 20, 1)]
    other = [canvas(lane, 0, 20, 0), canvas(lane, 1, 20, 0), canvas(lane, 1, 20, 1, shown=0)]
    reference = run(model, lane, base)
    assert not torch.allclose(run(model, lane, shown)[:4], reference[:4]), "a joint canvas must be seen"
    assert torch.allclose(run(model, lane, other)[:7], reference[:7], atol=1e-6), "another noising must not be seen"


def test_lane_never_sees_a_canvas(model: Transformer) -> None:
    lane = lane_with_fills([[40, 41, 42]])
    batch = collate([(lane, [canvas(lane, 0, 20, 0)])], SHAPE, pad=0)
    with torch.no_grad():
        mask = canvas_mask(batch.visible, batch.group, batch.lane)
        whole, _ = model(batch.ids, batch.positions, batch.lane, mask)
        alone, _ = model(batch.ids[:, : batch.lane], batch.positions[:, : batch.lane], batch.lane)
    assert torch.allclose(whole[:, : batch.lane], alone, atol=1e-6)


def test_logits_with_and_without_cache_agree(model: Transformer) -> None:
    lane = lane_with_fills([[40, 41, 42]])
    item = canvas(lane, 0, lane.context, 0)
    together = run(model, lane, [item])[: len(item.inputs)]
    with torch.no_grad():
        ids = torch.tensor([lane.ids[: lane.context]])
        _, past = model(ids, torch.arange(lane.context)[None], lane.context)
        count = len(item.inputs)
        positions = torch.arange(item.first_position, item.first_position + count)[None]
        mask = torch.ones(1, count, lane.context + count, dtype=torch.bool)
        hidden, _ = model(torch.tensor([item.inputs]), positions, 0, mask, past)
    assert torch.allclose(model.logits(hidden[0]), together, atol=1e-4)


def test_attention_without_a_maximum_is_the_same_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "_fused_kernel_is_slow", lambda q: True)
    torch.manual_seed(1)
    # Normalised as in the network, where a query and its own key may agree completely.
    q, k, v = (F.rms_norm(torch.randn(2, 3, 24, 16), (16,)) for _ in range(3))
    mask = torch.rand(2, 24, 24) < 0.5
    mask |= torch.eye(24, dtype=torch.bool)
    causal = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    masked = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None])
    torch.testing.assert_close(attention.causal_attention(q, k, v, True), causal)
    torch.testing.assert_close(attention.masked_attention(q, k, v, mask, True), masked)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_blocks_for_flex_attention_are_the_same_mask() -> None:
    torch.manual_seed(2)
    lane, canvas_size = 200, 96
    visible = torch.randint(0, lane + 1, (2, 6)).repeat_interleave(16, dim=1)
    group = torch.tensor([[0, 0, 1, 2, -1, -1], [0, 1, 1, 1, 2, -1]]).repeat_interleave(16, dim=1)
    q = torch.randn(2, 3, canvas_size, 16)
    k, v = torch.randn(2, 2, 3, lane + canvas_size, 16)
    by_blocks = attention.masked_attention(q, k, v, attention.canvas_blocks(visible, group, lane), True)
    by_mask = attention.masked_attention(q, k, v, attention.canvas_mask(visible, group, lane), True)
    torch.testing.assert_close(by_blocks, by_mask)


def test_losses_count_only_their_own_targets(model: Transformer) -> None:
    lane = lane_with_fills([[40, 41, 42]])
    batch = collate([(lane, [canvas(lane, 0, 20, 0, shown=1)])], SHAPE, pad=0)
    logits = run(model, lane, [canvas(lane, 0, 20, 0, shown=1)])
    by_hand = torch.nn.functional.cross_entropy(logits[[0, 2]], torch.tensor([40, 42]))
    assert losses(model, batch).masked.item() == pytest.approx(by_hand.item(), abs=1e-5)


def test_causal_loss_leaves_out_random_cuts(model: Transformer) -> None:
    lane = build_lane(load_tokenizer(TOKENIZER), CONFIG, [11, 4, 3, 40, 41, 16, 42], [[50, 51], [60]], SHAPE.lane)
    batch = collate([(lane, [canvas(lane, 0, 7, 0)])], SHAPE, pad=0)
    with torch.no_grad():
        hidden, _ = model(batch.ids[:, : batch.lane], batch.positions[:, : batch.lane], batch.lane)
    # <lang> <suf> <pre> a b <hole_0> c | <fill_0> x y <eoh> | <fill_1> z <eoh>: markers but <eoh> are not learnt.
    learnt = {2: 40, 3: 41, 5: 42, 7: 50, 8: 51, 9: 2, 11: 60, 12: 2}
    by_hand = F.cross_entropy(model.logits(hidden[0, list(learnt)]), torch.tensor(list(learnt.values())))
    assert losses(model, batch).causal.item() == pytest.approx(by_hand.item(), abs=1e-5)


def test_causal_loss_may_weigh_fills_without_their_leads_more(model: Transformer) -> None:
    fills, leads = [[50, 51, 52]], [1]
    lane = build_lane(load_tokenizer(TOKENIZER), CONFIG, [11, 4, 3, 40, 41, 16], fills, SHAPE.lane, leads)
    batch = collate([(lane, [canvas(lane, 0, 6, 0)])], SHAPE, pad=0)
    with torch.no_grad():
        hidden, _ = model(batch.ids[:, : batch.lane], batch.positions[:, : batch.lane], batch.lane)
    # <lang> <suf> <pre> a b <hole_0> | <fill_0> lead x y <eoh>
    learnt = {2: 40, 3: 41, 6: 50, 7: 51, 8: 52, 9: 2}
    weights = torch.tensor([1.0, 1.0, 1.0, 5.0, 5.0, 5.0])
    targets = torch.tensor(list(learnt.values()))
    by_hand = F.cross_entropy(model.logits(hidden[0, list(learnt)]), targets, reduction="none")
    weighed = (by_hand * weights).sum() / weights.sum()
    assert losses(model, batch, fill_weight=5.0).causal.item() == pytest.approx(weighed.item(), abs=1e-5)


def test_masked_loss_may_be_read_in_place(model: Transformer) -> None:
    """The ablation: position t predicts its own token, not the next one."""
    lane = lane_with_fills([[40, 41, 42]])
    canvases = [canvas(lane, 0, 20, 0, shown=1)]
    batch = collate([(lane, canvases)], dataclasses.replace(SHAPE, canvas_shift=0), pad=0)
    by_hand = F.cross_entropy(run(model, lane, canvases)[[1, 3]], torch.tensor([40, 42]))
    assert losses(model, batch).masked.item() == pytest.approx(by_hand.item(), abs=1e-5)


def test_losses_of_a_batch_are_means_over_its_tokens(model: Transformer) -> None:
    """Not means of sequences' means: a sequence with more targets counts for more."""
    lanes = [lane_with_fills([[40, 41, 42]]), lane_with_fills([[50]])]
    rows = [(lane, [canvas(lane, 0, 20, 0)]) for lane in lanes]
    both = losses(model, collate(rows, SHAPE, pad=0)).masked.item()
    alone = [losses(model, collate([row], SHAPE, pad=0)).masked.item() for row in rows]
    assert both == pytest.approx((3 * alone[0] + alone[1]) / 4, abs=1e-5)


def test_one_batch_can_be_learnt_by_heart() -> None:
    from parafill.optim import Muon

    torch.manual_seed(0)
    model = Transformer(CONFIG)
    lane = lane_with_fills([[40, 41, 42], [50, 51]])
    batch = collate([(lane, [canvas(lane, 0, 20, 0), canvas(lane, 1, 20, 0)])], SHAPE, pad=0)
    muon, adam = Muon(model.matrices(), lr=0.02), torch.optim.AdamW(model.others(), lr=1e-2)
    for _ in range(60):
        loss = losses(model, batch).total(1.0)
        model.zero_grad()
        loss.backward()
        muon.step()
        adam.step()
    assert loss.item() < 0.1

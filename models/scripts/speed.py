"""Speed of training on this machine: `python scripts/speed.py --preset small`.

Times, alternating, the products in both precisions, the two attention kernels, and whole training steps on made-up
batches. The last line is JSON. It needs no corpus.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from parafill import attention
from parafill.batches import IGNORE, Batch, reading_places
from parafill.config import PRESETS, SEQUENCES, ModelConfig, SequenceConfig
from parafill.diffusion import LossOfBatch
from parafill.model import Transformer
from parafill.optim import Muon
from parafill.precision import mixed_precision, multiplies_bf16
from parafill.utilisation import named_peak, training_flops

#: Of loss or gradients between two kernels, in bfloat16; 0.7 % were seen between two that are right.
LARGEST_DIFFERENCE = 0.02


def seconds_of(works: dict[str, Callable[[], object]], device: torch.device, repeats: int) -> dict[str, float]:
    """Median seconds of each piece of work; they take turns, after two rounds that do not count."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeats + 2):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if turn >= 2:
                times[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in times.items()}


def made_up_batch(model: ModelConfig, shape: SequenceConfig, size: int, device: torch.device) -> Batch:
    """Random tokens in a batch as full of targets as real ones: most of the lane, a third of the canvases."""
    ids = torch.randint(32, model.vocab_size, (size, shape.positions), device=device)
    lane_targets, canvas_targets = ids[:, : shape.lane].clone(), ids[:, shape.lane :].clone()
    lane_targets[torch.rand(lane_targets.shape) < 0.15] = IGNORE
    canvas_targets[torch.rand(canvas_targets.shape) < 0.65] = IGNORE
    group = (torch.arange(shape.canvas, device=device) // 32).expand_as(canvas_targets).contiguous()
    # Nothing stands before a canvas' first position to predict it.
    canvas_targets[:, torch.arange(shape.canvas) % 32 == 0] = IGNORE
    lane_read, canvas_read = reading_places(lane_targets.cpu().numpy(), canvas_targets.cpu().numpy())
    return Batch(
        lane=shape.lane,
        ids=ids,
        positions=torch.arange(shape.positions, device=device).expand_as(ids) % model.max_position,
        lane_targets=lane_targets,
        canvas_targets=canvas_targets,
        lane_in_fill=torch.zeros(lane_read.shape, dtype=torch.bool, device=device),
        lane_read=torch.from_numpy(lane_read).to(device),
        canvas_read=torch.from_numpy(canvas_read).to(device),
        # Real canvases see about that much of the lane.
        visible=torch.full_like(canvas_targets, shape.lane * 3 // 4),
        group=group,
        index=group,
        share=torch.ones(group.shape, device=device),
    )


def attention_works(model: ModelConfig, batch: Batch, device: torch.device) -> dict[str, Callable[[], object]]:
    """Forward and backward of one layer's attention by each kernel, in bfloat16."""
    mask = attention.canvas_mask(batch.visible, batch.group, batch.lane)
    lane = batch.lane
    shape = (len(batch.ids), model.heads, batch.ids.shape[1], model.head_dim)
    q, k, v = (torch.randn(shape, dtype=torch.bfloat16, device=device, requires_grad=True) for _ in range(3))

    def both(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: attention.Mask = mask) -> torch.Tensor:
        written = attention.causal_attention(q[:, :, :lane], k[:, :, :lane], v[:, :, :lane], True)
        return torch.cat([written, attention.masked_attention(q[:, :, lane:], k, v, mask, True)], dim=2)

    def fused(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        written = F.scaled_dot_product_attention(q[:, :, :lane], k[:, :, :lane], v[:, :, :lane], is_causal=True)
        missing = F.scaled_dot_product_attention(q[:, :, lane:], k, v, attn_mask=mask[:, None])
        return torch.cat([written, missing], dim=2)

    compiled = torch.compile(both, dynamic=False)
    kernels = {"fused": fused, "compiled": compiled}
    if device.type == "cuda":
        blocks = attention.canvas_blocks(batch.visible, batch.group, lane)
        kernels["flex"] = lambda q, k, v: compiled(q, k, v, blocks)
    return {name: lambda f=f: f(q, k, v).sum().backward() for name, f in kernels.items()}


def training_step(model: Transformer, batch: Batch, device: torch.device, flex: bool) -> Callable[[], object]:
    """One update, compiled as in pretraining."""
    model.compile_for_training(flex)
    objective, muon = LossOfBatch(model), Muon(model.matrices())
    adam = torch.optim.AdamW(model.others(), fused=True)

    def step() -> None:
        with mixed_precision(device):
            causal, masked = objective(batch)
        (causal + masked).backward()
        muon.step()
        adam.step()
        model.zero_grad(set_to_none=True)

    return step


def difference(config: ModelConfig, batch: Batch, device: torch.device) -> float:
    """How far FlexAttention is from dense attention: the larger of the relative gaps of loss and gradient norm."""
    torch.manual_seed(0)
    model = Transformer(config).to(device)
    for weight in model.matrices():
        # A fresh network's outputs are zero, behind which attention would not be seen.
        torch.nn.init.normal_(weight, std=0.02)
    found = []
    for flex in (False, True):
        reading = copy.deepcopy(model)
        reading.compile_for_training(flex)
        with mixed_precision(device):
            loss = sum(LossOfBatch(reading)(batch))
        loss.backward()
        norms = torch.stack([p.grad.norm() for p in reading.parameters() if p.grad is not None])
        found.append((loss.item(), norms.norm().item()))
    return max(abs(a - b) / abs(a) for a, b in zip(*found, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small")
    parser.add_argument("--sequences", choices=sorted(SEQUENCES), help="default: the preset's own")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--flex", action="store_true", help="FlexAttention for the canvases, on a GPU")
    parser.add_argument("--only-training", action="store_true", help="not the products and the kernels alone")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config, shape = PRESETS[options.preset], SEQUENCES[options.sequences or options.preset]
    batch = made_up_batch(config, shape, options.batch, device)

    result = {} if options.only_training else parts(config, batch, device, options.repeats)
    if options.flex and device.type == "cuda":
        gap = difference(config, made_up_batch(config, shape, 2, device), device)
        print(f"FlexAttention is {gap:.2%} away from dense attention")
        if not gap < LARGEST_DIFFERENCE:
            raise SystemExit(f"expected less than {LARGEST_DIFFERENCE:.0%}: its kernels are not right on this machine")
    works = {"step": training_step(Transformer(config).to(device), batch, device, options.flex)}
    rate = batch.ids.numel() / seconds_of(works, device, options.repeats)["step"]
    flops = training_flops(config, shape.lane, shape.canvas) / shape.positions
    peak = named_peak(device)
    print(f"training: {rate:.0f} positions/s, {rate * flops / 1e9:.0f} GFLOP/s of the model's own arithmetic")
    if peak:
        print(f"that is {rate * flops / peak[1]:.1%} of the peak of {peak[0]}, {peak[1] / 1e12:.0f} TFLOP/s")
        print(f"at most {torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB of its memory")
    print(json.dumps({**result, "positionsPerSecond": round(rate)}))


def parts(config: ModelConfig, batch: Batch, device: torch.device, repeats: int) -> dict[str, object]:
    """Prints how fast products and attention kernels are by themselves, and returns the figures."""
    size = 2048
    pairs = {dtype: torch.randn(2, size, size, device=device, dtype=dtype) for dtype in (torch.float32, torch.bfloat16)}
    products = {str(dtype).removeprefix("torch."): lambda p=pair: p[0] @ p[1] for dtype, pair in pairs.items()}
    result: dict[str, object] = {
        name: round(2 * size**3 / seconds / 1e9) for name, seconds in seconds_of(products, device, repeats).items()
    }
    print(f"products: {result} GFLOP/s; training uses bfloat16: {multiplies_bf16(device.type)}")
    kernels = seconds_of(attention_works(config, batch, device), device, repeats)
    print("attention of one layer:", {name: f"{1000 * seconds:.1f} ms" for name, seconds in kernels.items()})
    return {**result, "attentionRatio": round(kernels["compiled"] / kernels["fused"], 3)}


if __name__ == "__main__":
    main()

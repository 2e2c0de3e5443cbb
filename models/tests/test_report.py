"""A whole report of a tiny model: through the engine, with plots, and without asking twice."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
from corpus_fixtures import PYTHON, TYPESCRIPT, variant

from parafill.corpus import pipeline
from parafill.corpus.manifest import Package
from parafill.export import export_model
from parafill.random_model import random_model
from parafill.training_log import keep_logs, read_log, thin
from scripts import report
from tasks import human_eval_infilling as human_eval

SHIPPED = Path(__file__).resolve().parent.parent / "parafill-small"


def write_shards(root: Path) -> Path:
    """A corpus of twelve files in all splits."""
    space = pipeline.Workspace(root)
    space.text.mkdir(parents=True)
    packages = [Package("npm", split, "1.0.0", "MIT", split) for split in ("train", "validation", "test")]
    for package in packages:
        with gzip.open(space.text / f"{package.split}.jsonl.gz", "wt") as out:
            for i in range(2):
                for language, name, text in (("python", "m.py", PYTHON), ("typescript", "m.ts", TYPESCRIPT)):
                    out.write(json.dumps([package.key, f"{i}/{name}", language, variant(text, i)]) + "\n")
    pipeline.write_shards(space, packages, SHIPPED / "tokenizer.json")
    return space.shards


def write_benchmark(folder: Path) -> None:
    """Two tasks a split, which any fill of the one and no fill of the other passes."""
    tasks = [
        {"task_id": f"T/{name}", "entry_point": "f", "prompt": "def f(x):\n    return x # ", "suffix": suffix,
         "canonical_solution": "x", "test": "def check(f):\n    assert f(2) == 2\n"}
        for name, suffix in (("passes", "\n"), ("fails", "\n    )\n"))
    ]  # fmt: skip
    for name in human_eval.FILES.values():
        with gzip.open(folder / name, "wt") as out:
            out.writelines(json.dumps(task) + "\n" for task in tasks)


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
def test_a_report_is_written_and_asks_nothing_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model"
    export_model(random_model("tiny").eval(), SHIPPED / "tokenizer.json", model, "random", "0.0.1", {}, {})
    shards = write_shards(tmp_path / "data")
    write_benchmark(tmp_path)
    log = tmp_path / "pretrain.jsonl"
    log.write_text(json.dumps({"step": 1, "causal": 9.0, "masked": 9.5, "positions": 100, "seconds": 3}) + "\n")
    keep_logs([log], model / "training")
    arguments = ["--model", model, "--teacher", model, "--shards", shards, "--human-eval", tmp_path]
    arguments = [*map(str, arguments), "--answers", str(tmp_path / "answers"), "--quick", "--limit", "3"]

    assert report.main(arguments) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {run["holes"] for run in summary["packages"]} == {3}
    text = (model / "EVALUATION.md").read_text()
    for title in (
        "HumanEval-Infilling",
        "Holes in test packages",
        "Several holes at once",
        "Diversity",
        "Calibration",
        "Training",
        "Model card",
    ):
        assert f"\n## {title}" in text
    # The teacher is the student itself: nothing differs, and diversity is all there.
    assert "| 4 steps |  | +0.0 (+0.0 to +0.0) |" in text
    assert "| 100 % | 100 % |" in text
    for name in ("quality-by-steps", "quality-by-milliseconds", "calibration", "losses"):
        assert f"(evaluation/{name}.svg)" in text
        assert (model / "evaluation" / f"{name}.svg").stat().st_size > 1000
    assert str(tmp_path) not in text

    kept = {path: path.read_bytes() for path in (tmp_path / "answers").glob("*.jsonl")}
    assert kept
    assert report.main(arguments) == 0
    assert {path: path.read_bytes() for path in (tmp_path / "answers").glob("*.jsonl")} == kept


def test_what_is_no_model_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["--teacher", str(tmp_path), "--no-packages"]) == 1
    assert "expected an exported model (manifest.json) or a checkpoint" in capsys.readouterr().err


class TestTrainingLogs:
    def test_neighbouring_steps_are_averaged_and_events_kept(self) -> None:
        steps = [{"step": i, "causal": float(i), "seconds": 10 * i} for i in range(1, 5)]
        event = {"event": "validation", "step": 2}
        thinned = thin([*steps[:2], event, *steps[2:]], kept=2)
        assert thinned == [
            {"step": 2, "causal": 1.5, "seconds": 20},
            event,
            {"step": 4, "causal": 3.5, "seconds": 40},
        ]

    def test_rounds_are_not_mixed(self) -> None:
        lines = [{"round": number, "divergence": float(number)} for number in (1, 1, 2)]
        assert [line["divergence"] for line in thin(lines, kept=1)] == [1.0, 2.0]

    def test_a_line_that_was_cut_off_is_left_out_and_a_broken_one_named(self, tmp_path: Path) -> None:
        path = tmp_path / "log.jsonl"
        path.write_text('{"step": 1}\n{"step"')
        assert read_log(path) == [{"step": 1}]
        path.write_text('nothing\n{"step": 1}\n')
        with pytest.raises(ValueError, match=r"log\.jsonl:1: expected a JSON object, found 'nothing'"):
            read_log(path)

    def test_logs_are_numbered_in_order_and_replaced(self, tmp_path: Path) -> None:
        for name in ("pretrain", "distill"):
            (tmp_path / f"{name}.jsonl").write_text('{"step": 1}\n')
        keep_logs([tmp_path / "pretrain.jsonl", tmp_path / "distill.jsonl"], tmp_path / "training")
        keep_logs([tmp_path / "distill.jsonl"], tmp_path / "training")
        assert [path.name for path in (tmp_path / "training").iterdir()] == ["1-distill.jsonl"]

"""Evaluations: holes are reproducible, verdicts are right, and the engine's errors are told."""

from __future__ import annotations

import gzip
import json
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from corpus_fixtures import PYTHON, TYPESCRIPT, variant

from parafill.corpus.shards import Document
from parafill.opening import fill_length
from parafill.tokenizer import CodeTokenizer, load_tokenizer, train_tokenizer
from tasks import human_eval_infilling as human_eval
from tasks.bigram import Bigram
from tasks.calibration import calibration_table, expected_calibration_error
from tasks.diversity import Diversity, diversity, token_entropy
from tasks.engine import Answer, EngineError, EngineOptions, parse_answer, run_engine
from tasks.joint_holes import JointHoles, build_joint_holes, joint_results
from tasks.metrics import difference, difference_cell, edit_similarity, markdown_table, pass_at_k, wilson
from tasks.package_holes import RecipeError, build_holes, fingerprint, load_recipe
from tasks.package_report import Run, breakdown_table, overall_table, results_of
from tasks.sure import sure_beginning, sure_table

RECIPE = Path(__file__).resolve().parent.parent / "tasks" / "package_holes.json"


@pytest.fixture(scope="module")
def tokenizer() -> CodeTokenizer:
    """A tokenizer of 400 tokens, trained on the fixtures."""
    texts = [variant(text, i) for text in (PYTHON, TYPESCRIPT) for i in range(4)]
    return train_tokenizer(iter(texts), 400)


@pytest.fixture(scope="module")
def documents(tokenizer: CodeTokenizer) -> list[Document]:
    """Twelve documents as open_shards would give them."""
    rows = [("python", "m.py", PYTHON), ("typescript", "m.ts", TYPESCRIPT)]
    return [
        Document(np.array(tokenizer.encode(variant(text, i)), dtype=np.uint16), language, f"p{i}", path)
        for i in range(6)
        for language, path, text in rows
    ]


class TestPackageHoles:
    def test_a_hole_and_its_surroundings_are_the_document(
        self, documents: list[Document], tokenizer: CodeTokenizer
    ) -> None:
        holes = build_holes(documents, tokenizer, load_recipe(RECIPE))  # type: ignore[arg-type]
        texts = {tokenizer.decode(document.ids) for document in documents}
        assert len({hole.id for hole in holes}) == len(holes) > 60
        for hole in holes:
            assert hole.before + hole.target + hole.after in texts
            assert len(tokenizer.encode(hole.target)) == hole.tokens
            low, high = map(int, hole.bucket.split("-"))
            assert low <= hole.tokens <= high
            assert hole.target.strip()

    def test_kinds_are_what_they_say(self, documents: list[Document], tokenizer: CodeTokenizer) -> None:
        holes = build_holes(documents, tokenizer, load_recipe(RECIPE))  # type: ignore[arg-type]
        for hole in (h for h in holes if h.kind == "rest of line"):
            assert "\n" not in hole.target
            assert hole.after == "" or hole.after.startswith("\n")
        for hole in (h for h in holes if h.kind == "whole lines"):
            assert hole.before.rpartition("\n")[2].strip() == ""
            assert hole.after == "" or hole.after.startswith("\n")
        arguments = {h.target for h in holes if h.kind == "call argument"}
        # The fixtures' only call with an argument is `push(item)`.
        assert arguments == {"item"}

    def test_the_set_is_fixed_by_the_recipe(self, documents: list[Document], tokenizer: CodeTokenizer) -> None:
        recipe = load_recipe(RECIPE)
        first = build_holes(documents, tokenizer, recipe)  # type: ignore[arg-type]
        again = build_holes(documents, tokenizer, recipe)  # type: ignore[arg-type]
        assert fingerprint(first) == fingerprint(again)
        other = build_holes(documents, tokenizer, replace(recipe, seed=2))  # type: ignore[arg-type]
        assert fingerprint(first) != fingerprint(other)

    def test_a_request_tells_the_length_only_when_asked(
        self, documents: list[Document], tokenizer: CodeTokenizer
    ) -> None:
        hole = build_holes(documents, tokenizer, load_recipe(RECIPE))[0]  # type: ignore[arg-type]
        assert "lengths" not in hole.request(oracle_length=False)
        assert hole.request(oracle_length=True)["lengths"] == [hole.told_tokens]

    def test_told_lengths_count_the_token_at_the_cursor_where_it_is_healed(self) -> None:
        shipped = load_tokenizer(RECIPE.parent.parent / "parafill-small")
        before, fill = "self.items = this.constr", "uctor(value)"
        assert fill_length(shipped, before, fill, False) == len(shipped.encode(fill))
        assert fill_length(shipped, before, fill, True) == len(shipped.encode("constructor(value)"))

    def test_several_holes_and_their_surroundings_are_the_document(
        self, documents: list[Document], tokenizer: CodeTokenizer
    ) -> None:
        items = build_joint_holes(documents, tokenizer, 1, 100)  # type: ignore[arg-type]
        texts = {tokenizer.decode(document.ids) for document in documents}
        assert len({item.id for item in items}) == len(items) > 6
        for item in items:
            filled = zip(item.segments, (*item.targets, ""), strict=True)
            assert "".join(segment + target for segment, target in filled) in texts
            assert 2 <= len(item.targets) <= 4
            assert all(target.strip() and "\n" not in target for target in item.targets)
        assert build_joint_holes(documents, tokenizer, 1, 3) == items[:3]  # type: ignore[arg-type]
        assert build_joint_holes(documents, tokenizer, 2, 100) != items  # type: ignore[arg-type]

    def test_results_of_several_holes_count_each_and_all(self) -> None:
        item = JointHoles("0", "python", "m.py", ("a = ", "\nb = ", "\n"), ("1", "2"))
        answers = [
            Answer("0", fills=[["1", "2"]], parses=[True], total_ms=5.0),
            Answer("0", fills=[["1", "3"]], parses=[None]),
            Answer("0", error="broken"),
        ]
        results = joint_results([item] * 3, answers)
        assert results.exact == [1, 1, 1, 0, 0, 0]
        assert (results.whole, results.parses, results.ms[0], results.errors) == ([1, 0, 0], [1], 5.0, 1)

    def test_an_unknown_kind_is_an_error(self, tmp_path: Path) -> None:
        raw = json.loads(RECIPE.read_text())
        raw["kinds"].append("half a token")
        path = tmp_path / "recipe.json"
        path.write_text(json.dumps(raw))
        with pytest.raises(RecipeError, match="half a token"):
            load_recipe(path)

    def test_a_bigram_fills_the_true_number_of_tokens(
        self, documents: list[Document], tokenizer: CodeTokenizer
    ) -> None:
        hole = build_holes(documents, tokenizer, load_recipe(RECIPE))[0]  # type: ignore[arg-type]
        constant = tokenizer.encode("x")[0]
        bigram = Bigram(np.full(tokenizer.size, constant), tokenizer)
        assert bigram.fill(hole) == "x" * hole.tokens


class TestMetrics:
    def test_similarity(self) -> None:
        assert edit_similarity("", "") == 1
        assert edit_similarity("abc", "abc") == 1
        assert edit_similarity("abc", "xyz") == 0
        assert edit_similarity("abcd", "abxx") == 0.5

    def test_the_interval_holds_the_rate_and_narrows(self) -> None:
        assert wilson(0, 0) == (0, 1)
        low, high = wilson(5, 10)
        assert (round(low, 3), round(high, 3)) == (0.237, 0.763)
        assert wilson(500, 1000)[0] > low

    def test_a_table(self) -> None:
        assert markdown_table(["a", "b"], [["x", "1"]]) == "| a | b |\n|---|---:|\n| x | 1 |"

    def test_an_error_is_a_wrong_answer(self, documents: list[Document], tokenizer: CodeTokenizer) -> None:
        holes = build_holes(documents, tokenizer, load_recipe(RECIPE))[:4]  # type: ignore[arg-type]
        answers = {hole.id: Answer(hole.id, [[hole.target]], [True], 2, 10.0) for hole in holes[:3]}
        answers[holes[3].id] = Answer(holes[3].id, error="out of luck")
        run = Run("test", False, results_of(holes, answers))
        summary = run.summary()
        assert (summary["exact"], summary["errors"], summary["parses"]) == (0.75, 1, 1.0)
        assert "75.0 % (30.1-95.4)" in overall_table([run])
        lines = breakdown_table(run, [run], "kind", lambda hole: hole.kind).splitlines()
        assert lines[0].endswith("| exact: test |")
        counts = [int(line.split("|")[2]) for line in lines[2:]]
        assert sum(counts) == 4

    def test_sure_beginnings_of_right_answers_are_right(
        self, documents: list[Document], tokenizer: CodeTokenizer
    ) -> None:
        holes = [h for h in build_holes(documents, tokenizer, load_recipe(RECIPE)) if h.kind == "rest of line"]  # type: ignore[arg-type]
        answers = {
            hole.id: Answer(hole.id, [[hole.target]], beginnings=[(len(hole.target.encode("utf-16-le")) // 2, -0.7)])
            for hole in holes
        }
        lines = sure_table(Run("test", False, results_of(holes, answers))).splitlines()
        assert "| 100.0 % | 100.0 % |" in lines[2]
        assert "| 0.0 % | 0.0 % |" in lines[-1]

    def test_calibration_error_of_hand_made_cases(self) -> None:
        assert expected_calibration_error([1.0, 1.0, 0.0], [True, True, False]) == 0
        # Claimed 0.8 and right in half of the cases; claimed 0.1 and never right.
        assert expected_calibration_error([0.8, 0.8, 0.1, 0.1], [True, False, False, False]) == pytest.approx(0.2)
        assert math.isnan(expected_calibration_error([], []))

    def test_calibration_is_of_answers_only(self, documents: list[Document], tokenizer: CodeTokenizer) -> None:
        holes = build_holes(documents, tokenizer, load_recipe(RECIPE))[:2]  # type: ignore[arg-type]
        answers = {
            holes[0].id: Answer(holes[0].id, [[holes[0].target]], score=math.log(0.75), confidence=1.0),
            holes[1].id: Answer(holes[1].id, error="out of luck"),
        }
        lines = calibration_table([Run("test", False, results_of(holes, answers))]).splitlines()
        assert lines[2:] == [
            "| test: likelihood of the whole fill | 1 | 75.0 % | 100.0 % (20.7-100.0) | 25.0 |",
            "| test: confidence | 1 | 100.0 % | 100.0 % (20.7-100.0) | 0.0 |",
        ]

    def test_diversity_of_hand_made_draws(self, tokenizer: CodeTokenizer) -> None:
        assert token_entropy([[5, 5], [5]]) == 0
        assert token_entropy([[5, 6], [6, 5]]) == pytest.approx(math.log(2))
        assert token_entropy([]) == 0
        assert token_entropy([[5], [6]], [3, 1]) == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
        drawn = [Answer("a", [["x"]], draws=[4]), Answer("b", [["x"], ["y"]], draws=[2, 2]), Answer("c", error="none")]
        found = diversity(drawn, tokenizer)
        assert found.different == [1, 2]
        assert found.entropy == [0, pytest.approx(math.log(2))]
        shares = Diversity([1, 1], [0, 1]).ratios(Diversity([2, 2], [0, 1]))
        assert shares == (0.5, 1.0)

    def test_pass_at_k_of_hand_made_cases(self) -> None:
        assert pass_at_k(10, 0, 10) == 0
        assert pass_at_k(10, 1, 10) == 1
        assert pass_at_k(10, 3, 1) == pytest.approx(0.3)
        # Of the six pairs of four samples, one holds neither of the two right ones.
        assert pass_at_k(4, 2, 2) == pytest.approx(5 / 6)
        with pytest.raises(ValueError, match="found 1, 2, 3"):
            pass_at_k(2, 1, 3)

    def test_paired_differences(self) -> None:
        assert difference([1, 1, 0, 0], [0, 1, 0, 0])[0] == 0.25
        middle, low, high = difference([1.0, 2.0, 3.0], [0.0, 1.0, 2.0])
        assert (middle, low, high) == (1, 1, 1)
        assert difference_cell([1.0, 0.0], [0.0, 0.0]) == "+50.0 (-48.0 to +148.0)"


class TestEngine:
    def test_answers_are_read(self) -> None:
        line = (
            '{"id": "a", "candidates": [{"fills": ["x"], "score": -1, "confidence": 0.5, "parses": true}],'
            ' "steps": 4, "timings": {"totalMs": 12.5}}'
        )
        assert parse_answer(line) == Answer("a", [["x"]], [True], 4, 12.5, score=-1, confidence=0.5, draws=[1])
        assert parse_answer('{"id": "a", "error": "line 1: no"}').error == "line 1: no"
        assert parse_answer('{"id": "a", "candidates": []}').error == "no candidates"

    @pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
    def test_a_conversation_and_an_engine_that_ends_early(self, tmp_path: Path) -> None:
        # A stand-in for the command line: the protocol between two processes is under test.
        script = (
            "const options = process.argv.slice(2).join(' ');"
            "require('readline').createInterface({input: process.stdin}).on('line', (line) => {"
            "const {id} = JSON.parse(line);"
            "if (id === 'last words') { console.error('no more'); process.exit(3); }"
            "console.log(JSON.stringify({id, candidates: [{fills: [options]}], steps: 1}));});"
        )
        (tmp_path / "cli.js").write_text(script)
        scripts = {"infill": "node cli.js"}
        (tmp_path / "package.json").write_text(json.dumps({"scripts": scripts}))
        requests = [{"id": f"r{i}", "segments": ["a" * 5000, ""]} for i in range(40)]
        answers = run_engine(tmp_path, requests, EngineOptions(steps=3, seed=5))
        assert len(answers) == 40
        assert "--jsonl --mode diffusion" in answers["r0"].best
        assert "--seed 5 --steps 3" in answers["r0"].best
        with pytest.raises(EngineError, match=r"exit code 3\) after 1 of 2(.|\n)*no more"):
            run_engine(tmp_path, [{"id": "a"}, {"id": "last words"}], EngineOptions())


class TestHumanEval:
    def write(self, folder: Path) -> None:
        """Two tasks in the benchmark's format."""
        task = {
            "task_id": "SingleLineInfilling/1",
            "entry_point": "double",
            "prompt": "def double(x):\n",
            "canonical_solution": "    return 2 * x\n",
            "suffix": "",
            "test": "def check(candidate):\n    assert candidate(2) == 4\n",
        }
        for split, name in human_eval.FILES.items():
            rows = [task] if split == "single-line" else [{**task, "prompt": "def double(x):"}]
            with gzip.open(folder / name, "wt") as out:
                out.writelines(json.dumps(row) + "\n" for row in rows)

    def test_a_single_line_keeps_its_line_end_in_the_text_after_it(self, tmp_path: Path) -> None:
        self.write(tmp_path)
        (task,) = human_eval.load_tasks(tmp_path, "single-line")
        assert task.request()["segments"] == ["def double(x):\n", "\n"]
        assert task.solution == "    return 2 * x"

    def test_verdicts(self, tmp_path: Path) -> None:
        self.write(tmp_path)
        (task,) = human_eval.load_tasks(tmp_path, "single-line")
        fills = [
            task.solution,
            "    return x + x",
            "    return x",
            "    return (",
            "    raise SystemExit(0)",
            "    return bytearray(3 << 30) and 2 * x",
            "    print('x' * (1 << 21)); return 2 * x",
        ]
        programs = [task.program(fill) for fill in fills]
        expected = [True, True, False, False, False, False, False]
        assert human_eval.Judge(tmp_path / "verdicts.jsonl")(programs) == expected

    def test_no_program_runs_twice(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        programs = ["pass", "raise ValueError", "pass"]
        assert human_eval.Judge(tmp_path / "verdicts.jsonl")(programs) == [True, False, True]
        with (tmp_path / "verdicts.jsonl").open("a") as kept:
            kept.write('["half a li')
        # No program passes within no time: these verdicts are remembered ones.
        monkeypatch.setattr(human_eval, "TIME_LIMIT_SECONDS", 0)
        again = human_eval.Judge(tmp_path / "verdicts.jsonl")
        assert again(programs) == [True, False, True]

    @pytest.mark.skipif(os.geteuid() == 0, reason="no limit on processes binds root")
    def test_a_program_may_not_start_others(self) -> None:
        assert not human_eval.passes("import os\nos.fork()\n")

    def test_a_program_that_does_not_end_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(human_eval, "TIME_LIMIT_SECONDS", 1)
        assert not human_eval.passes("while True:\n    pass\n")

    def test_rates(self, tmp_path: Path) -> None:
        self.write(tmp_path)
        tasks = human_eval.load_tasks(tmp_path, "single-line")
        tasks += [replace(tasks[0], id="two"), replace(tasks[0], id="three")]
        answers = [
            Answer("", [["    return 2 * x"], ["    return 1"]], total_ms=3.0, draws=[1, 3]),
            Answer("", [["    return 1"], ["    return x * 2"]], total_ms=5.0, encode_ms=1.0, draws=[2, 1]),
            Answer("", error="broken"),
        ]
        found = human_eval.score(tasks, answers, human_eval.Judge(tmp_path / "verdicts.jsonl"))
        assert found.best == [1, 0, 0]
        assert found.exact == [1, 0, 0]
        assert found.right == [1, 1, 0]
        assert found.pass_at(1, 4) == [0.25, 0.25, 0]
        assert found.pass_at(4, 4) == [1, 1, 0]
        assert (found.errors, found.cached_ms) == (1, 3.0)

    def test_missing_files_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(human_eval.BenchmarkMissing, match="HumanEval-SingleLine"):
            human_eval.load_tasks(tmp_path, "single-line")


class TestSureBeginnings:
    def test_what_is_shown(self) -> None:
        tokens = [("x = ", 0.9), ("get", 0.9), ("Value", 0.5), ("(🙂", 0.9), (")", 0.5)]
        text, end, log, beginnings = "", 0, 0.0, []
        for piece, probability in tokens:
            text += piece
            end += len(piece.encode("utf-16-le")) // 2
            log += math.log(probability)
            beginnings.append((end, log))
        assert sure_beginning(text, beginnings, 0.6) == "x = "
        assert sure_beginning(text, beginnings, 0.4) == "x = getValue"
        assert sure_beginning(text, beginnings, 0.3) == "x = getValue(🙂"
        assert sure_beginning(text, beginnings, 0.0001) == text
        assert sure_beginning(text, beginnings, 0.95) == ""

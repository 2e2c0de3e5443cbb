"""The corpus: what is read, what is dropped and why, and what comes back from the shards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from corpus_fixtures import PYTHON, TYPESCRIPT, npm_archive, variant, wheel

from parafill.corpus import dedup, documents, pipeline
from parafill.corpus.archives import FetchError, cached_archive, fetch_all
from parafill.corpus.decontaminate import MIN_DISTINCT, is_contaminated, ngrams
from parafill.corpus.extract import ArchiveError, RawFile, extract
from parafill.corpus.filters import Candidate, decode, judge
from parafill.corpus.licences import declared_licence
from parafill.corpus.manifest import (
    ManifestError,
    Package,
    licence_is_allowed,
    load_manifest,
    save_manifest,
)
from parafill.corpus.pack import pack_shards, unpack_shards
from parafill.corpus.shards import ShardError, open_shards
from parafill.corpus.split import assign_splits
from parafill.tokenizer import save_tokenizer, train_tokenizer

MODELS = Path(__file__).resolve().parent.parent


def package(name: str, ecosystem: str = "npm", split: str = "train") -> Package:
    return Package(ecosystem, name, "1.0.0", "MIT", split)


class TestManifest:
    def test_the_committed_manifest_is_valid_and_holds_out_every_language(self) -> None:
        packages = load_manifest(MODELS / "corpus" / "manifest.json")
        assert len(packages) > 100
        for split in ("validation", "test"):
            held = {p.ecosystem for p in packages if p.split == split}
            assert held == {"npm", "pypi"}

    @pytest.mark.parametrize(
        ("expression", "allowed"),
        [
            ("MIT", True),
            ("(MIT OR GPL-3.0-only)", True),
            ("MIT AND BSD-3-Clause", True),
            ("MIT AND GPL-2.0-only", False),
            ("LGPL-3.0", False),
            ("SEE LICENSE IN LICENSE.md", False),
            ("", False),
        ],
    )
    def test_licence_expressions(self, expression: str, allowed: bool) -> None:
        assert licence_is_allowed(expression) is allowed

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"licence": "GPL-3.0"}, "GPL-3.0.*outside the allowed list"),
            ({"version": ""}, "expected a text for 'version'"),
            ({"ecosystem": "cargo"}, "'cargo' is not one of npm, pypi"),
            ({"split": "dev"}, "'dev' is not one of"),
        ],
    )
    def test_a_bad_entry_is_named(self, tmp_path: Path, change: dict, message: str) -> None:
        entry = {"ecosystem": "npm", "name": "a", "version": "1", "licence": "MIT", **change}
        path = tmp_path / "manifest.json"
        path.write_text(json.dumps({"format": 1, "packages": [entry]}))
        with pytest.raises(ManifestError, match=r"packages\[0\].*" + message):
            load_manifest(path)

    def test_a_package_listed_twice_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "manifest.json"
        save_manifest(path, [package("a"), package("a")])
        with pytest.raises(ManifestError, match="listed twice"):
            load_manifest(path)

    def test_save_and_load_agree(self, tmp_path: Path) -> None:
        packages = [package("a"), package("@b/c", split="test"), package("d", "pypi")]
        save_manifest(tmp_path / "m.json", packages)
        assert sorted(load_manifest(tmp_path / "m.json"), key=str) == sorted(packages, key=str)


class TestArchives:
    def test_archives_are_found_under_the_names_the_clients_give_them(self, tmp_path: Path) -> None:
        for name in ("npm/scope-name-1.0.0.tgz", "pypi/My_Tool.x-1.0.0-py3-none-any.whl"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        assert cached_archive(tmp_path, package("@scope/name")) is not None
        assert cached_archive(tmp_path, package("my-tool-x", "pypi")) is not None
        assert cached_archive(tmp_path, package("my-tool", "pypi")) is None

    def test_all_packages_that_cannot_be_fetched_are_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", "")
        with pytest.raises(FetchError) as caught:
            fetch_all(tmp_path, [package("a"), package("b")])
        assert "2 of 2 packages" in str(caught.value)
        for name in ("npm:a@1.0.0", "npm:b@1.0.0"):
            assert f"{name}: npm is not on the PATH" in str(caught.value)

    def test_declared_licences(self, tmp_path: Path) -> None:
        npm = npm_archive(tmp_path / "a-1.0.0.tgz", {}, name="a", version="1.0.0", license="ISC")
        assert declared_licence(npm) == ("a", "1.0.0", "ISC")
        for number, (metadata, expected) in enumerate(
            [
                ("License-Expression: BSD-2-Clause", "BSD-2-Clause"),
                ("Classifier: License :: OSI Approved :: MIT License", "MIT"),
                ("License: Apache License, Version 2.0", "Apache-2.0"),
                ("License: ask us", ""),
            ]
        ):
            path = tmp_path / f"b{number}-2.0-py3-none-any.whl"
            archive = wheel(path, {}, f"Name: b\nVersion: 2.0\n{metadata}\n")
            assert declared_licence(archive) == ("b", "2.0", expected)


class TestExtract:
    def test_sources_of_source_maps_are_files_of_the_package(self, tmp_path: Path) -> None:
        source_map = {
            "version": 3,
            "sources": ["../src/queue.ts", "webpack://x/./src/other.ts", "../src/style.scss"],
            "sourcesContent": [TYPESCRIPT, TYPESCRIPT, "a{}"],
        }
        files = {"dist/queue.js": "var a;", "dist/queue.js.map": json.dumps(source_map)}
        archive = npm_archive(tmp_path / "a-1.0.0.tgz", files, name="a")
        found = {file.path: file for file in extract(archive)}
        assert found["src/queue.ts"].data.decode() == TYPESCRIPT
        assert found["src/queue.ts"].from_source_map
        assert not any(path.endswith(".scss") for path in found)

    def test_a_damaged_map_is_skipped(self, tmp_path: Path) -> None:
        archive = npm_archive(tmp_path / "a-1.0.0.tgz", {"a.js.map": "{", "a.js": "x"}, name="a")
        assert [file.path for file in extract(archive)] == ["package.json", "a.js"]

    def test_a_damaged_archive_is_named(self, tmp_path: Path) -> None:
        archive = npm_archive(tmp_path / "a-1.0.0.tgz", {"a.ts": TYPESCRIPT * 50}, name="a")
        archive.write_bytes(archive.read_bytes()[:-60])
        with pytest.raises(ArchiveError, match=r"a-1\.0\.0\.tgz: damaged archive .* delete it"):
            list(extract(archive))


class TestFilters:
    @pytest.mark.parametrize(
        ("path", "text", "reason"),
        [
            ("src/queue.ts", TYPESCRIPT, None),
            ("pkg/seq.py", PYTHON, None),
            ("vendor/queue.ts", TYPESCRIPT, "vendored"),
            ("src/a.ts", "let a;", "tiny"),
            ("src/a.ts", TYPESCRIPT * 2000, "too large"),
            ("src/a.js", TYPESCRIPT + "x = '" + "a b " * 300 + "'", "long lines"),
            ("src/a.min.js", TYPESCRIPT, "minified"),
            ("src/a.js", "\n".join(["a=b(c,d);e.f(g)+h[i];j=k.l(m)"] * 40), "minified"),
            ("src/a.ts", "// GNU General Public License v3\n" + TYPESCRIPT, "restrictive licence"),
            ("lib/a.js", '"use strict";\nObject.defineProperty(exports, "__esModule"' + TYPESCRIPT,
             "compiled"),
            ("src/a.ts", "// @generated by a tool\n" + TYPESCRIPT, "generated"),
            ("locale/a.js", TYPESCRIPT, "data-like"),
            ("src/a.py", "X = [\n" + "    1, 2, 3, 4, 5, 6, 7, 8,\n" * 60 + "]", "data-like"),
            ("src/a.ts", "  value.push(item, other);\n" * 60, "repetitive"),
        ],
    )  # fmt: skip
    def test_each_filter(self, path: str, text: str, reason: str | None) -> None:
        candidate = decode(RawFile(path, text.encode()))
        assert isinstance(candidate, Candidate)
        assert judge(candidate) == reason

    def test_text_is_utf8_without_bom_and_with_lf(self) -> None:
        decoded = decode(RawFile("a.py", b"\xef\xbb\xbfa\r\nb\rc"))
        assert isinstance(decoded, Candidate)
        assert decoded.text == "a\nb\nc"
        assert decode(RawFile("a.py", b"\xff\xfe")) == "not UTF-8"
        assert decode(RawFile("a.py", b"a\0b")) == "not UTF-8"

    def test_tests_are_capped_and_documented_python_comes_first(self, tmp_path: Path) -> None:
        files = {f"src/m{i}.ts": variant(TYPESCRIPT, i) for i in range(8)}
        files |= {f"test/m{i}.test.ts": variant(TYPESCRIPT, 100 + i) for i in range(8)}
        archive = npm_archive(tmp_path / "a-1.0.0.tgz", files, name="a")
        text = documents.filter_package(archive, package("a"))
        tests = [document for document in text.documents if document.is_test]
        assert len(text.documents) - len(tests) == 8
        assert 1 <= len(tests) <= 2
        assert text.dropped[("typescript", "tests over the cap")][0] == 8 - len(tests)

    def test_a_result_cut_short_or_of_another_recipe_is_made_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = documents.PackageText("npm:a@1.0.0")
        text.documents = [Candidate("a.ts", "typescript", variant(TYPESCRIPT, i)) for i in range(9)]
        text.drop("typescript", "tiny", 5)
        saved = documents.save(tmp_path, package("a"), text)
        loaded = documents.load(tmp_path, package("a"))
        assert loaded == text
        whole = saved.read_bytes()
        saved.write_bytes(whole[: len(whole) // 2])
        assert documents.load(tmp_path, package("a")) is None
        saved.write_bytes(whole)
        monkeypatch.setattr(documents, "RECIPE", documents.RECIPE + 1)
        assert documents.load(tmp_path, package("a")) is None


class TestDuplicates:
    def test_white_space_does_not_hide_an_exact_copy(self) -> None:
        hashes = [dedup.normalised_hash(text) for text in ("a b", "a\n  b", "a c")]
        assert dedup.find_exact_duplicates(hashes).tolist() == [False, True, False]

    def test_a_near_copy_is_found_and_a_relative_is_not(self) -> None:
        original = "".join(variant(PYTHON, i) for i in range(6))
        near = original.replace("zero for none", "nothing for none", 1)
        relative = "".join(variant(PYTHON, i) for i in range(4, 10))
        signatures = np.array([dedup.signature(text) for text in (original, near, relative)])
        assert dedup.find_near_duplicates(signatures).tolist() == [False, True, False]

    def test_a_benchmark_program_is_recognised_inside_other_text(self) -> None:
        benchmark = np.unique(ngrams(PYTHON, MIN_DISTINCT))
        indented = "class A:\n" + "\n".join("    " + line for line in PYTHON.split("\n"))
        assert is_contaminated(indented, benchmark)
        assert not is_contaminated(variant(PYTHON, 1), benchmark)
        assert not is_contaminated("", benchmark)


class TestSplit:
    def test_every_code_language_is_held_out_and_what_is_held_out_stays(self) -> None:
        packages = [package(f"{g}{i}") for g in ("py", "ts", "js") for i in range(300)]
        names = {"py": "python", "ts": "typescript", "js": "javascript"}
        sizes = {p.key: {names[p.name[:2]]: 50_000} for p in packages}
        first = assign_splits(packages, sizes, seed=1)
        for split in ("validation", "test"):
            held = [p.name[:2] for p in first if p.split == split]
            assert all(3 <= held.count(group) <= 7 for group in names)
        assert assign_splits(first, sizes, seed=2) == first


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[pipeline.Workspace, list[Package]]:
    """A workspace with shards made of three tiny packages by the real stages."""
    space = pipeline.Workspace(tmp_path_factory.mktemp("data"))
    packages = [package("a"), package("b", split="validation"), package("c", "pypi", "test")]
    for number, name in enumerate("ab"):
        files = {f"src/m{i}.ts": variant(TYPESCRIPT, 20 * number + i) for i in range(6)}
        path = space.archives / "npm" / f"{name}-1.0.0.tgz"
        npm_archive(path, files, name=name, version="1.0.0", license="MIT")
    wheel(
        space.archives / "pypi" / "c-1.0.0-py3-none-any.whl",
        {f"c/m{i}.py": variant(PYTHON, i) for i in range(4)},
        "Name: c\nVersion: 1.0.0\nLicense-Expression: MIT\n",
    )
    pipeline.filter_packages(space, packages, workers=1)
    pipeline.select_text(space, packages, None, seed=1)
    texts = [row[3] for row in pipeline.read_text(space, "train")]
    tokenizer = train_tokenizer(iter(texts), 320)
    save_tokenizer(tokenizer, space.root / "tokenizer.json")
    pipeline.write_shards(space, packages, space.root / "tokenizer.json")
    return space, packages


class TestShards:
    def test_documents_come_back_with_language_package_and_path(
        self, built: tuple[pipeline.Workspace, list[Package]]
    ) -> None:
        space, _ = built
        train = open_shards(space.shards, "train")
        assert len(train) == 6
        assert {document.language for document in train} == {"typescript"}
        assert {document.package for document in train} == {"npm:a@1.0.0"}
        assert {document.path for document in train} == {f"src/m{i}.ts" for i in range(6)}
        assert train[0].ids.dtype == np.uint16
        assert train[-1].path == train[5].path
        assert train.tokens == sum(len(document.ids) for document in train) == train.lengths.sum()
        with pytest.raises(IndexError, match="document 6 of 6"):
            train[6]
        test = open_shards(space.shards, "test")
        assert {document.package for document in test} == {"pypi:c@1.0.0"}

    def test_building_again_gives_the_same_bytes_and_skips_what_is_done(
        self, built: tuple[pipeline.Workspace, list[Package]], tmp_path: Path
    ) -> None:
        space, packages = built
        again = pipeline.Workspace(tmp_path)
        (tmp_path / "archives").symlink_to(space.archives)
        pipeline.filter_packages(again, packages, workers=1)
        pipeline.select_text(again, packages, None, seed=1)
        tokenizer = space.root / "tokenizer.json"
        assert pipeline.write_shards(again, packages, tokenizer) == pipeline.write_shards(space, packages, tokenizer)
        written = (again.shards / "shards.json").stat().st_mtime_ns
        pipeline.write_shards(again, packages, tokenizer)
        assert (again.shards / "shards.json").stat().st_mtime_ns == written

    def test_text_of_the_same_packages_is_left_alone(
        self, built: tuple[pipeline.Workspace, list[Package]], tmp_path: Path
    ) -> None:
        space, packages = built
        (tmp_path / "filtered").symlink_to(space.filtered)
        again = pipeline.Workspace(tmp_path)
        report = pipeline.select_text(again, packages, None, seed=1)
        written = (again.text / "train.jsonl.gz").stat().st_mtime_ns
        assert pipeline.select_text(again, packages, None, seed=1).as_dict() == report.as_dict()
        assert (again.text / "train.jsonl.gz").stat().st_mtime_ns == written
        pipeline.select_text(again, packages, None, seed=2)
        assert (again.text / "train.jsonl.gz").stat().st_mtime_ns > written

    def test_a_package_that_was_not_filtered_is_named(
        self, built: tuple[pipeline.Workspace, list[Package]], tmp_path: Path
    ) -> None:
        _, packages = built
        space = pipeline.Workspace(tmp_path)
        with pytest.raises(FileNotFoundError, match=r"npm:a@1\.0\.0: no filtered text in .*run the `filter` stage"):
            pipeline.select_text(space, packages, None, seed=1)
        with pytest.raises(FetchError, match=r"npm:a@1\.0\.0: not in .*archives; run `fetch` first"):
            pipeline.filter_packages(space, packages, workers=1)

    @pytest.mark.parametrize("name", ["train.ids.xz", "train-000.docs.npz.xz"])
    def test_a_damaged_packed_file_is_named(
        self, built: tuple[pipeline.Workspace, list[Package]], tmp_path: Path, name: str
    ) -> None:
        space, _ = built
        pack_shards(space.shards, tmp_path / "packed", limit_bytes=10**6)
        path = tmp_path / "packed" / name
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(ShardError, match=rf"{name}: cannot be unpacked"):
            unpack_shards(tmp_path / "packed", tmp_path / "again")

    def test_packing_and_unpacking_keeps_every_byte(
        self, built: tuple[pipeline.Workspace, list[Package]], tmp_path: Path
    ) -> None:
        space, _ = built
        packed = pack_shards(space.shards, tmp_path / "packed", limit_bytes=10**6)
        assert packed == sum(path.stat().st_size for path in (tmp_path / "packed").iterdir())
        unpack_shards(tmp_path / "packed", tmp_path / "again")
        for path in space.shards.iterdir():
            assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
        with pytest.raises(ShardError, match="more than the limit of 100 bytes"):
            pack_shards(space.shards, tmp_path / "small", limit_bytes=100)

    @pytest.mark.parametrize("name", ["train-000.npy", "train-000.docs.npz"])
    def test_a_damaged_shard_is_named_with_both_checksums(
        self, built: tuple[pipeline.Workspace, list[Package]], tmp_path: Path, name: str
    ) -> None:
        folder = _copy(built[0].shards, tmp_path)
        data = bytearray((folder / name).read_bytes())
        data[-1] ^= 1
        (folder / name).write_bytes(data)
        message = rf"{name}: expected sha256 [0-9a-f]{{64}}, found [0-9a-f]{{64}}"
        with pytest.raises(ShardError, match=message):
            open_shards(folder, "train")

    def test_missing_and_truncated_files_are_named(
        self, built: tuple[pipeline.Workspace, list[Package]], tmp_path: Path
    ) -> None:
        folder = _copy(built[0].shards, tmp_path)
        with pytest.raises(ShardError, match="no split 'dev'; it has train, validation, test"):
            open_shards(folder, "dev")
        (folder / "test-000.npy").write_bytes(b"short")
        with pytest.raises(ShardError, match=r"test-000\.npy: expected \d+ bytes, found 5"):
            open_shards(folder, "test")
        (folder / "test-000.npy").unlink()
        with pytest.raises(ShardError, match=r"test-000\.npy: listed in shards\.json but missing"):
            open_shards(folder, "test")
        (folder / "shards.json").unlink()
        with pytest.raises(ShardError, match="missing or unfinished"):
            open_shards(folder, "test")

    def test_an_archive_that_contradicts_the_manifest_stops_the_build(self, tmp_path: Path) -> None:
        space = pipeline.Workspace(tmp_path)
        path = space.archives / "npm" / "a-1.0.0.tgz"
        npm_archive(path, {"a.ts": TYPESCRIPT}, name="a", version="1.0.0", license="GPL-3.0")
        with pytest.raises(ManifestError, match=r"says MIT, a-1\.0\.0\.tgz says 'GPL-3\.0'"):
            pipeline.filter_packages(space, [package("a")], workers=1)


def _copy(source: Path, target: Path) -> Path:
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target

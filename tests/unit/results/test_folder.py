"""The documents of a result folder: of an older evalkit, of a newer one, and damaged."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from support.documents import comparison, comparisons, cost, quality, summary, sweep, timed, tuning
from support.result_folders import MANIFEST

from evalkit.errors import InputError
from evalkit.records import Qrels
from evalkit.results import ResultFolder
from evalkit.results.json_shapes import document, to_json
from evalkit.results.latency_document import LatencyAnswers, MachineState

SUMMARY = summary([quality("bm25", 20, 0.3)], [timed("x", 20, 0.1, 0.2)], [cost("x", 50, 1000)])
COMPARED = comparisons(comparison("x"), tied={"x": ["y"]}, pooled=[comparison("x")])
TUNED = tuning(sweep("x", [0.1, None]))
LATENCY = LatencyAnswers(0.95, (), (), (), (), (), (), MachineState(("a flag",), ()), ("x",))


def folder_with_documents(path: Path) -> ResultFolder:
    """Return a folder that holds a manifest and the derived documents."""
    folder = ResultFolder(path)
    folder.write_manifest(MANIFEST)
    folder.write_documents(SUMMARY, COMPARED, TUNED, LATENCY)
    return folder


def test_documents_are_read_as_they_were_written(tmp_path: Path) -> None:
    """All five of them, with intervals and optional keys."""
    folder = folder_with_documents(tmp_path)
    assert folder.read_manifest() == MANIFEST
    assert folder.read_comparisons() == COMPARED
    assert folder.read_tuning() == TUNED
    assert folder.read_latency() == LATENCY
    assert document(folder.read_summary()) == document(
        SUMMARY
    )  # files do not record a level for each interval


def test_a_manifest_without_later_keys_is_read(tmp_path: Path) -> None:
    """A run that was killed, or an older evalkit, wrote no counts, plugins and findings: they are empty then."""
    folder = folder_with_documents(tmp_path)
    older = orjson.loads(folder.manifest_file.read_bytes())
    for key in ("plugins", "preflight", "refresh", "pairs", "rounds", "calls", "endpoints", "execution"):
        del older[key]
    folder.manifest_file.write_bytes(to_json(older))
    assert folder.read_manifest() == MANIFEST


def test_keys_of_a_later_evalkit_are_passed_over(tmp_path: Path) -> None:
    """Within one schema version keys may be added."""
    folder = folder_with_documents(tmp_path)
    later = orjson.loads(folder.manifest_file.read_bytes())
    folder.manifest_file.write_bytes(to_json({**later, "mood": "sunny"}))
    assert folder.read_manifest() == MANIFEST


@pytest.mark.parametrize(
    ("file", "version", "hint"),
    [("manifest.json", 3, "use the version of evalkit that wrote it"),
     ("manifest.json", 1, "use the version of evalkit that wrote it"),
     ("summary.json", 3, "use the version of evalkit that wrote it"),
     ("summary.json", 1, "rebuild it with: evalkit report"),
     ("tuning.json", None, "rebuild it with: evalkit report")],
)  # fmt: skip
def test_another_schema_version_is_refused(tmp_path: Path, file: str, version: int | None, hint: str) -> None:
    """A newer one needs its own evalkit; an older derived document can be rebuilt, a manifest cannot."""
    folder = folder_with_documents(tmp_path)
    changed = orjson.loads((tmp_path / file).read_bytes()) | {"schema_version": version}
    (tmp_path / file).write_bytes(to_json(changed))
    read = {
        "manifest.json": folder.read_manifest,
        "summary.json": folder.read_summary,
        "tuning.json": folder.read_tuning,
    }[file]
    with pytest.raises(InputError) as caught:
        read()
    assert f"has the schema version {version!r}; this version of evalkit reads" in caught.value.message
    assert (caught.value.hint or "").startswith(hint)


def test_a_damaged_document_names_the_path_of_the_key(tmp_path: Path) -> None:
    """A number that is text, deep inside: the error says where, and how the file is made again."""
    folder = folder_with_documents(tmp_path)
    damaged = orjson.loads(folder.summary_file.read_bytes())
    damaged["latency"][0]["p95_s"]["estimate"] = "fast"
    folder.summary_file.write_bytes(to_json(damaged))
    with pytest.raises(InputError) as caught:
        folder.read_summary()
    assert (
        "summary.json is damaged: latency.0.p95_s.estimate: input should be a valid number"
        in caught.value.message
    )
    assert caught.value.hint == f"rebuild it with: evalkit report {tmp_path}"
    folder.summary_file.write_bytes(b"[]")
    with pytest.raises(InputError, match="contains no JSON object"):
        folder.read_summary()


@pytest.mark.parametrize("content", [None, b"no json"])
def test_a_derived_document_can_be_made_again(tmp_path: Path, content: bytes | None) -> None:
    """Where it is missing or damaged, the hint names the command; a manifest can only be looked for."""
    folder = folder_with_documents(tmp_path)

    def hint(file: Path, read: Callable[[], object]) -> str | None:
        file.unlink()
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(InputError) as error:
            read()
        return error.value.hint

    assert (
        hint(folder.comparisons_file, folder.read_comparisons)
        == f"rebuild it with: evalkit report {tmp_path}"
    )
    assert hint(folder.manifest_file, folder.read_manifest) == "check that the result folder is complete"


def test_a_document_can_be_read_by_the_keys_of_its_file() -> None:
    """Documents were dictionaries once: the old way of reading them is an alias."""
    assert SUMMARY["quality"] == orjson.loads(to_json(document(SUMMARY)))["quality"]
    assert MANIFEST["schema_version"] == MANIFEST.VERSION
    with pytest.raises(KeyError):
        SUMMARY["mood"]


def test_judgments_are_read_as_they_were_written(tmp_path: Path) -> None:
    """With their subtopics, and with ids that begin with #, also from a file of an earlier evalkit."""
    folder = folder_with_documents(tmp_path)
    by_subtopic = Qrels.from_subtopic_rows([("#1", "1", "a", 1), ("#1", "2", "a", 0), ("2", "1", "b", -1)])
    for qrels in (by_subtopic, Qrels({"#1": {"a": 1}, "2": {"b": 0}})):
        folder.write_qrels("d", qrels)
        assert folder.read_qrels("d") == qrels
    folder.qrels_file("d").write_bytes(gzip.compress(b"#1 0 a 1\n2 0 b 0\n"))
    assert folder.read_qrels("d") == qrels

"""The texts that a report can show without the dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.checked import Backend
from support.experiments import api, config_for, eval_set, started, use_backends
from support.inspected import candidates
from support.result_folders import run_facts

from evalkit.experiment.compared_runs import ComparedRun
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.kept_texts import keep_texts
from evalkit.experiment.quality_pass import quality_pass
from evalkit.records import Corpus, Qrels, RerankRequest
from evalkit.results.raw_tables import MOST_CHARACTERS, SHOWN

DOCUMENTS = 3 * SHOWN


def kept(
    patch: pytest.MonkeyPatch,
    into: Path,
    data: EvalSet,
    answer: Callable[[RerankRequest], list[float]],
    depth: int,
) -> dict[str, str]:
    """Return the texts that are kept of a dataset after its candidates were scored."""
    use_backends(patch, m=Backend(answer))
    config = config_for({"a": api()}, depths=[1, depth], retriever={"depth": DOCUMENTS})
    with started(config, into, data) as run:
        run.recorder.add_first_stage("tiny", data.candidates)
        quality_pass(run, run.sessions[0], data)
        keep_texts(run, run.recorder.write(run.folder))
    return run.folder.read_texts("tiny")


def in_order(request: RerankRequest) -> list[float]:
    """Keep the order of the first stage."""
    return [-float(doc[1:]) for doc in request.doc_ids]


def reversed_order(request: RerankRequest) -> list[float]:
    """Reverse the order of the first stage."""
    return [float(doc[1:]) for doc in request.doc_ids]


@pytest.mark.parametrize("depth", [5, 15, DOCUMENTS])
def test_the_first_documents_of_every_list_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    """Of the first stage and of the reranker, at the deepest depth; documents that no list shows are not."""
    data = eval_set(queries=2, documents=DOCUMENTS)
    texts = kept(monkeypatch, tmp_path, data, reversed_order, depth)
    reranked = [*range(depth)[::-1], *range(depth, DOCUMENTS)][:SHOWN]
    assert set(texts) == {f"d{n}" for n in (*range(SHOWN), *reranked)}
    assert all(text == data.dataset.corpus.text(doc) for doc, text in texts.items())


def test_relevant_documents_are_kept_wherever_they_rank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that no list holds; a judgment of 0, or of a document that the corpus lacks, keeps nothing."""
    data = eval_set(queries=1, documents=DOCUMENTS)
    grades = {"q0": {"d29": 2, "d28": 0, "gone": 1}, "unasked": {"d27": 1}}
    data = replace(data, dataset=replace(data.dataset, qrels=Qrels(grades)))
    texts = kept(monkeypatch, tmp_path, data, in_order, 5)
    assert set(texts) == {f"d{n}" for n in range(SHOWN)} | {"d27", "d29"}


def test_long_texts_are_cut_and_broken_ones_are_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the beginning is kept, and a lone surrogate, which no file can hold, is replaced."""
    data = eval_set(queries=1, documents=2)
    corpus = Corpus(("d0", "d1"), ("y" * 5000, "broken \ud800 text"))
    texts = kept(
        monkeypatch, tmp_path, replace(data, dataset=replace(data.dataset, corpus=corpus)), in_order, 2
    )
    assert len(texts["d0"]) == MOST_CHARACTERS
    assert texts["d0"].startswith("yyy")
    assert texts["d1"] == "broken ? text"


def test_no_list_keeps_relevant_documents_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset whose queries all lack candidates."""
    data = eval_set(queries=1, documents=3, without=["q0"])
    assert set(kept(monkeypatch, tmp_path, data, in_order, 2)) == {"d0"}


def test_texts_of_a_run_are_kept_although_they_are_no_candidates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ones of each list; a document that the corpus lacks has no text."""
    data = eval_set(queries=1, documents=DOCUMENTS)
    listed = [*(f"d{n}" for n in range(DOCUMENTS - 1, DOCUMENTS - SHOWN, -1)), "new", "d15"]
    found = replace(candidates({"q0": listed}), tag="es")
    of_run = replace(data, candidates=data.candidates.cut(2), runs=(ComparedRun(found, run_facts("es")),))
    texts = kept(monkeypatch, tmp_path, of_run, in_order, 2)
    assert set(texts) == {"d0", "d1", *listed[: SHOWN - 1]}

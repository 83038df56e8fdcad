"""Experiments in this process: tiny data, scripted backends in place of APIs, started result folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.config import Config, resolved_yaml
from evalkit.experiment import sessions
from evalkit.experiment.context import Experiment, StartedExperiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.experiment_store import open_store
from evalkit.experiment.manifest_facts import opening_manifest
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.resume import RunFolder
from evalkit.experiment.run_options import Origin
from evalkit.experiment.sessions import opened
from evalkit.records import Call, Usage
from evalkit.rerankers import Reranker
from evalkit.results.folder import ResultFolder
from support.configs import config_of
from support.inspected import candidates, dataset


def api(model: str = "m", **more: Any) -> dict[str, Any]:
    """Return the block of an API that is never contacted: `use_backends` puts a scripted backend in its place.

    Its first calls are one test call: what precedes it has tests of its own, which set ``score_check``.
    """
    block = {"backend": "http", "url": "http://127.0.0.1:9/v1/rerank", "model": model, "retries": 0}
    return {**block, "score_check": False, **more}


def use_backends(patch: pytest.MonkeyPatch, **backends: Reranker) -> None:
    """Open these backends instead of APIs, by the name of the model."""
    real = sessions.open_reranker

    def open_reranker(settings: Any) -> Reranker:
        model = getattr(settings, "model", None)
        return backends[model] if model in backends else real(settings)

    patch.setattr(sessions, "open_reranker", open_reranker)


def eval_set(
    queries: int = 4, documents: int = 6, name: str = "tiny", without: Sequence[str] = ()
) -> EvalSet:
    """Return queries q0, q1 ... that all have candidates d0, d1 ...; document d0 is relevant to each.

    Parameters
    ----------
    queries, documents
        How many.
    name
        Name of the dataset, which is part of every text, so that no two datasets share a pair.
    without
        Queries that have no candidate.
    """
    texts = {f"d{n}": f"{name} document {n} " + "x" * n for n in range(documents)}
    asked = {f"q{n}": f"{name} query {n}" for n in range(queries)}
    data = dataset(texts, asked, {query: {"d0": 1} for query in asked})
    lists = {query: list(texts) for query in asked if query not in without}
    return EvalSet(replace(data, name=name), candidates(lists))


def config_for(rerankers: dict[str, Any], **more: Any) -> Config:
    """Return a configuration for eval sets that are passed in: its own dataset does not exist."""
    return config_of(Path("no-such-folder"), rerankers, **more)


@contextmanager
def started(
    config: Config, into: Path, *eval_sets: EvalSet, refresh: bool = False
) -> Iterator[StartedExperiment]:
    """Start an experiment on these eval sets: open rerankers, a store in `into`, and a result folder below it."""
    with open_store(config, into) as store, opened(config) as open_sessions:
        known = store.lookup(store.requested_s, refresh=refresh)
        experiment = Experiment(config=config, eval_sets=eval_sets, recorder=Recorder(), store=known)
        manifest = opening_manifest(experiment, Origin("a test", None), open_sessions)

        def first(folder: ResultFolder) -> None:
            folder.resolved_config_file.write_text(resolved_yaml(config), encoding="utf-8")

        folder = ResultFolder.create(into, "run", first)
        yield experiment.start(store, RunFolder(folder, manifest), open_sessions)


def call(**changes: Any) -> Call:
    """Return a call that succeeded: one document of query q, by r on d, in the quality pass, from 1 s to 2 s."""
    fields: dict[str, Any] = {
        "dataset": "d", "reranker": "r", "query_id": "q", "pass_": "quality", "batch_size": 1, "filled": 0,
        "concurrency": 1, "round": None, "attempt": 1, "scheduled_s": 1.0, "start_s": 1.0, "end_s": 2.0,
        "status": "ok", "error": None, "http_status": None, "usage": Usage(), "cost_usd": None, "server_s": None,
        "server_times": (), "model": None, "conn_reused": None, "list_sorted": None,
    }  # fmt: skip
    return Call(**fields | changes)

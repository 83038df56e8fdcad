"""``latency.json``: what timed calls say to the questions people have. Every answer with its n and bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from evalkit.config import read_claim
from evalkit.latency import Fit, Limit, RoundState, Sample, fit_cost, judge_limit, latency_ratio
from evalkit.latency.flags import flag_machine
from evalkit.summaries.latency_cells import CONFIDENCE, CellCalls, fields

EMBEDDING = ("bi_encoder", "late_interaction")
CLAIMED = (0.5, 0.95)
"""Vendors do not say which share of calls they speak of: the half, and nearly all."""

Row = Mapping[str, Any]


def answer(
    cells: Sequence[CellCalls], rows: Sequence[Row], manifest: Mapping[str, Any], config: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the content of ``latency.json``.

    Parameters
    ----------
    cells, rows
        Calls, and the figures made of them, of the same cells in the same order.
    manifest, config
        Of the result.
    """
    settings = config.get("latency") or {}
    confidence = settings.get("confidence", CONFIDENCE)
    single = [cell for cell in cells if cell.load.concurrency == 1]
    return {
        "schema_version": 1,
        "confidence": confidence,
        "fits": list(_fits(single, confidence, config["seed"])),
        "limits": list(_limits(cells, settings, confidence)),
        "claims": list(_claims(single, config, confidence)),
        "ratios": list(_ratios(cells, config, confidence)),
        "capacity": list(_capacity(rows)),
        "costs": list(_costs(cells, rows, manifest)),
        "machine": _machine(manifest),
        "embedding": [tag for tag, block in config["rerankers"].items() if _embeds(block)],
    }


def _embeds(block: Mapping[str, Any]) -> bool:
    """Return whether a reranker embeds texts, here or in a service of its own."""
    return (block.get("serve") or block)["backend"] in EMBEDDING


def _by_reranker(cells: Iterable[CellCalls]) -> dict[tuple[str, str], list[CellCalls]]:
    parts: dict[tuple[str, str], list[CellCalls]] = {}
    for cell in cells:
        parts.setdefault((cell.dataset, cell.reranker), []).append(cell)
    return parts


def _fits(cells: Sequence[CellCalls], confidence: float, seed: int) -> Iterator[dict[str, Any]]:
    """Yield time by documents, by tokens and by both, where the cells can tell."""
    for (dataset, tag), own in _by_reranker(cells).items():
        plain = [cell for cell in own if cell.load.length_bucket is None]
        told = all(not np.isnan(cell.column("tokens")[cell.ok]).any() for cell in own)
        size = "tokens" if told else "characters"
        for causes, chosen in ((("documents",), plain), ((size,), own), (("documents", size), own)):
            fit = fit_cost([_sample(cell, size) for cell in chosen], causes, confidence, seed)
            if fit is not None:
                yield {"dataset": dataset, "reranker": tag, **_fit(fit)}


def _sample(cell: CellCalls, size: str) -> Sample:
    ok = cell.ok
    amount = cell.column("tokens" if size == "tokens" else "document_characters")
    causes = {"documents": cell.column("batch_size")[ok], size: amount[ok]}
    return Sample(cell.seconds[ok], cell.query_ids[ok], causes)


def _fit(fit: Fit) -> dict[str, Any]:
    return {**asdict(fit), "straight": fit.is_straight}


def _limits(
    cells: Sequence[CellCalls], settings: Mapping[str, Any], confidence: float
) -> Iterator[dict[str, Any]]:
    """Yield whether the configured limit holds, for each batch size alone and each rate."""
    slo = settings.get("slo")
    if not slo:
        return
    limit = Limit(slo["max_ms"] / 1000, slo["quantile"])
    for cell in cells:
        load = cell.load
        if load.length_bucket is None and (cell.is_open or load.concurrency == 1):
            yield {
                "dataset": cell.dataset,
                "reranker": cell.reranker,
                "batch_size": load.batch_size,
                "rate_per_s": load.rate_per_s,
                **_held(cell, limit, confidence),
            }


def _held(cell: CellCalls, limit: Limit, confidence: float) -> dict[str, Any]:
    held = judge_limit(cell.seconds, cell.ok, cell.query_ids, limit, confidence)
    return {
        "limit_s": limit.limit_s,
        "quantile": limit.quantile,
        "verdict": held.verdict,
        **fields("late", held.late),
    }


def _claims(
    cells: Sequence[CellCalls], config: Mapping[str, Any], confidence: float
) -> Iterator[dict[str, Any]]:
    """Yield whether what is promised holds, at every batch size that was timed and is meant."""
    by_tag = _by_reranker(cells)
    for (dataset, tag), own in by_tag.items():
        settings = config["rerankers"].get(tag, {})
        for documents, text in (settings.get("claims") or {}).items():
            claim = read_claim(documents, text)
            head = {"dataset": dataset, "reranker": tag, "claim": claim.text, "route": _route(settings)}
            meant = [
                cell
                for cell in own
                if cell.load.length_bucket is None and claim.fewest <= cell.load.batch_size <= claim.most
            ]
            for cell in meant:
                for quantile in CLAIMED:
                    limit = Limit(claim.limit_s, quantile)
                    yield {
                        **head,
                        "batch_size": cell.load.batch_size,
                        **_held(cell, limit, confidence),
                    }
            if not meant:
                nothing = dict.fromkeys(("batch_size", "quantile", "late", "lower", "upper"))
                yield {
                    **head,
                    **nothing,
                    "limit_s": claim.limit_s,
                    "verdict": "NOT MEASURED",
                    "n": 0,
                    "fewest": claim.fewest,
                    "most": claim.most,
                }


def _route(settings: Mapping[str, Any]) -> str:
    """Return which way the calls took, without anything that might be a secret."""
    if settings.get("url"):
        return str(urlsplit(settings["url"]).hostname)
    return "loopback" if settings.get("serve") else "in this process"


def _ratios(
    cells: Sequence[CellCalls], config: Mapping[str, Any], confidence: float
) -> Iterator[dict[str, Any]]:
    """Yield how much slower every other reranker is than the first, under each closed loop."""
    order = list(config["rerankers"])
    wanted = config["compare"].get("baseline")
    closed = [cell for cell in cells if not cell.is_open and cell.load.length_bucket is None]
    for dataset in dict.fromkeys(cell.dataset for cell in closed):
        here = {(cell.reranker, cell.load): cell for cell in closed if cell.dataset == dataset}
        tags = sorted({tag for tag, _ in here}, key=order.index)
        baseline = wanted if wanted in tags else tags[0]
        for tag in tags:
            for load in sorted(
                {load for _, load in here}, key=lambda load: (load.batch_size, load.concurrency)
            ):
                one, other = here.get((baseline, load)), here.get((tag, load))
                if tag == baseline or one is None or other is None:
                    continue
                found = latency_ratio(_rounds(one), _rounds(other), confidence)
                yield {
                    "dataset": dataset,
                    "baseline": baseline,
                    "contender": tag,
                    "batch_size": load.batch_size,
                    "concurrency": load.concurrency,
                    **fields("ratio", found),
                }


def _rounds(cell: CellCalls) -> dict[int, dict[str, float]]:
    held: dict[int, dict[str, float]] = {}
    calls = zip(cell.spans.round[cell.ok], cell.query_ids[cell.ok], cell.seconds[cell.ok], strict=True)
    for number, query_id, seconds in calls:
        held.setdefault(int(number), {})[str(query_id)] = float(seconds)
    return held


def _capacity(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield throughput against latency, with the knee: where throughput by latency is largest (Kleinrock 1979)."""
    parts: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        if row["concurrency"] is not None and row["length_bucket"] is None:
            parts.setdefault((row["dataset"], row["reranker"], row["batch_size"]), []).append(row)
    usable = {
        key: [r for r in own if r["p50_s"]["estimate"] and r["calls_per_s"]["mean"]]
        for key, own in parts.items()
    }
    # The batch size that was asked with most calls in flight; a grid over both says little of the others.
    most_points: dict[tuple[str, str], int] = {}
    for (dataset, tag, _), known in usable.items():
        most_points[dataset, tag] = max(most_points.get((dataset, tag), 2), len(known))
    for (dataset, tag, size), known in usable.items():
        if len(known) < most_points[dataset, tag]:
            continue
        known.sort(key=lambda r: r["concurrency"])
        knee = max(known, key=lambda r: r["calls_per_s"]["mean"] / r["p50_s"]["estimate"])
        most = max(known, key=lambda r: r["calls_per_s"]["mean"])
        yield {
            "dataset": dataset,
            "reranker": tag,
            "batch_size": size,
            "knee": knee["concurrency"],
            "most": most["concurrency"],
            "points": [
                {
                    "concurrency": r["concurrency"],
                    "calls_per_s": r["calls_per_s"],
                    "documents_per_s": r["documents_per_s"],
                    "p50_s": r["p50_s"],
                    "p95_s": r["p95_s"],
                }
                for r in known
            ],
        }


def _costs(
    cells: Sequence[CellCalls], rows: Sequence[Row], manifest: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield what a thousand queries cost: what calls were billed, else the machine's price by what it got done."""
    for cell, row in zip(cells, rows, strict=True):
        if cell.is_open or row["length_bucket"] is not None:
            continue
        head = {key: row[key] for key in ("dataset", "reranker", "batch_size", "concurrency")}
        billed = cell.column("cost_usd")[cell.ok]
        hourly = manifest["rerankers"][cell.reranker].get("usd_per_hour")
        if len(billed) and not np.isnan(billed).any():
            yield {**head, "source": "calls", "usd_per_thousand_queries": float(billed.mean()) * 1000,
                   "lower": None, "upper": None, "n": len(billed)}  # fmt: skip
        elif hourly is not None and row["calls_per_s"]["mean"]:
            rate = row["calls_per_s"]
            best, upper, lower = (
                None if x is None or x <= 0 else hourly / 3600 / x * 1000
                for x in (rate["mean"], rate["lower"], rate["upper"])
            )
            yield {**head, "source": f"${hourly:g} an hour", "usd_per_thousand_queries": best,
                   "lower": lower, "upper": upper, "n": rate["n"]}  # fmt: skip


def _machine(manifest: Mapping[str, Any]) -> dict[str, Any]:
    states = [RoundState(**state) for state in manifest.get("rounds", [])]
    return {"flags": flag_machine(states), "rounds": [asdict(state) for state in states]}

"""Rules between the parts of a configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from evalkit.config.blocks import DatasetSettings, RerankerSettings, RetrieverSettings
from evalkit.config.cascade_settings import cascade_problems
from evalkit.config.experiment import Outline
from evalkit.config.latency import LatencySettings
from evalkit.config.name_rules import dataset_name_problems, tag_problems
from evalkit.config.run_settings import check_runs
from evalkit.config.settings import Settings
from evalkit.config.source import Path, Problem
from evalkit.errors import EvalkitError, nearest_name_hint
from evalkit.metrics import find_spelling, parse_metric
from evalkit.metrics.names import Metric
from evalkit.stats import sample_size_for_share


def check_rules(
    outline: Outline,
    datasets: Sequence[Settings | None],
    retriever: Settings | None,
    rerankers: Mapping[str, Settings | None],
    run_tags: Collection[str],
    judges: Collection[str] = (),
) -> list[Problem]:
    """Return the problems between parts of a configuration that are valid by themselves.

    A block that is invalid by itself is None; no rule applies to it. `run_tags` are those of all runs, of which the
    outline has the valid ones; `judges` are the tags of all judges.
    """
    first_stage = retriever if isinstance(retriever, RetrieverSettings) else None
    known = [dataset for dataset in datasets if isinstance(dataset, DatasetSettings)]
    return [
        *dataset_name_problems(datasets),
        *tag_problems(first_stage, rerankers, run_tags),
        *(_depths(outline, first_stage) if first_stage else ()),
        *_metrics(outline),
        *(_comparison(outline, [first_stage.label, *rerankers, *run_tags]) if first_stage else ()),
        *(cascade_problems(rerankers, max(outline.depths or (first_stage.depth,))) if first_stage else ()),
        # With a dataset that is invalid by itself, its name is unknown.
        *(
            check_runs(outline.runs, outline.compare.baseline, known, first_stage, rerankers)
            if len(known) == len(datasets)
            else ()
        ),
        *_batch_sizes(outline, rerankers),
        *_latency(outline),
        *_prices(outline, rerankers),
        *_passages(known, rerankers),
        *_judgments(datasets, judges),
    ]


def _depths(outline: Outline, retriever: RetrieverSettings) -> Iterator[Problem]:
    depths = outline.depths or ()
    for index, depth in enumerate(depths):
        if depth > retriever.depth:
            yield Problem(
                ("depths", index),
                f"depth {depth} is larger than retriever.depth ({retriever.depth})",
                f"set retriever.depth to {max(depths)}, or lower this depth",
            )
        if depth in depths[:index]:
            yield Problem(("depths", index), f"depth {depth} occurs twice", "remove one of them")


def _metrics(outline: Outline) -> Iterator[Problem]:
    seen: dict[Metric, str] = {}
    for index, text in enumerate(outline.metrics):
        try:
            metric = parse_metric(text)
        except EvalkitError as error:
            yield Problem(("metrics", index), error.message, error.hint)
            continue
        if metric.budget_tokens is not None and outline.tokenizer is None:
            yield Problem(
                ("metrics", index),
                f"{text!r} has a budget of tokens, and no tokenizer is named that counts them",
                "add 'tokenizer: NAME', the tokenizer of the model that reads the documents",
            )
        if metric in seen:
            yield Problem(
                ("metrics", index),
                f"{text!r} occurs twice"
                if text == seen[metric]
                else f"{text!r} is the same metric as {seen[metric]!r}",
                "remove one of them",
            )
        seen[metric] = text


def _comparison(outline: Outline, tags: Collection[str]) -> Iterator[Problem]:
    baseline, primary = outline.compare.baseline, primary_metric(outline)
    if baseline is not None and baseline not in tags:
        yield Problem(
            ("compare", "baseline"), f"unknown system {baseline!r}", nearest_name_hint(baseline, tags)
        )
    if primary is not None and primary not in outline.metrics:
        yield Problem(
            ("compare", "primary"),
            f"the primary metric {primary!r} is not among the metrics",
            f"add it to metrics, or use one of: {', '.join(outline.metrics)}",
        )
    elif _is_count(primary or outline.metrics[0]):
        yield Problem(
            ("compare", "primary") if primary else ("metrics",),
            f"the primary metric {primary or outline.metrics[0]!r} is a count, for which higher is not"
            " better",
            "set compare.primary to another metric",
        )


def primary_metric(outline: Outline) -> str | None:
    """Return the primary metric as it is spelt among the metrics; as given if it is not there."""
    primary = outline.compare.primary
    return None if primary is None else find_spelling(primary, outline.metrics) or primary


def _is_count(metric: str) -> bool:
    try:
        return parse_metric(metric).summed
    except EvalkitError:  # an invalid metric is a problem of its own
        return False


def _batch_sizes(outline: Outline, rerankers: Mapping[str, Settings | None]) -> Iterator[Problem]:
    latency = outline.latency
    if latency is None:
        return
    sizes: list[tuple[Path, int]] = [
        (("latency", "batch_sizes", index), size) for index, size in enumerate(latency.batch_sizes)
    ]
    for name, block in (("offline", latency.offline), ("server", latency.server)):
        if block is not None and block.batch_size is not None:
            sizes.append((("latency", name, "batch_size"), block.batch_size))
    for tag, reranker in rerankers.items():
        limit = (
            reranker.most_documents() if isinstance(reranker, RerankerSettings) and reranker.timed else None
        )
        for path, size in sizes:
            if limit is not None and size > limit:
                yield Problem(
                    path,
                    f"batch size {size} is larger than the maximum of {limit} documents per call of {tag!r}",
                    "remove this batch size, or raise max_documents if the API allows it",
                )


def _latency(outline: Outline) -> Iterator[Problem]:
    latency = outline.latency
    if latency is None:
        if not outline.quality:
            yield Problem(
                ("quality",),
                "nothing to do: quality is false and 'latency:' is missing",
                "add latency: {} to time the rerankers, or remove quality: false",
            )
        return
    slo = latency.slo
    if slo is None:
        return
    needed = sample_size_for_share(slo.quantile, latency.confidence)
    for path, calls in (
        (("latency", "calls"), latency.calls),
        (("latency", "server", "calls"), latency.server.calls if latency.server else None),
    ):
        if calls is not None and calls < needed:
            yield Problem(
                path if calls != LatencySettings().calls else ("latency", "slo"),
                f"{calls} calls are too few to test quantile {slo.quantile:.4g} of the slo at"
                f" {latency.confidence:.0%} confidence; the minimum is {needed}",
                f"set {'.'.join(map(str, path))} to {needed} or more",
            )


def _prices(outline: Outline, rerankers: Mapping[str, Settings | None]) -> Iterator[Problem]:
    """Yield a problem for each billed reranker without a price if there is a budget."""
    for tag, reranker in rerankers.items() if outline.budget else ():
        if not isinstance(reranker, RerankerSettings):
            continue
        traffic = reranker.traffic()
        if traffic.billed and traffic.price is None:
            yield Problem(
                ("rerankers", tag),
                f"budget is set, but {tag!r} has no price",
                "add price: {usd_per_million_tokens: ..., as_of: YYYY-MM-DD}; use 0 if it is free",
            )


def _passages(
    datasets: Sequence[DatasetSettings], rerankers: Mapping[str, Settings | None]
) -> Iterator[Problem]:
    """Yield a problem for each reranker that does not score texts, if rerankers are to score passages."""
    name = next((dataset.label for dataset in datasets if dataset.passages is not None), None)
    for tag, reranker in rerankers.items() if name is not None else ():
        if isinstance(reranker, RerankerSettings) and (reranker.derived or not reranker.timed):
            yield Problem(
                ("rerankers", tag),
                f"backend {reranker.backend!r} has no scores of passages, which dataset {name!r} needs",
                "remove this reranker, or remove passages from the dataset",
            )


def _judgments(datasets: Sequence[Settings | None], judges: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each source of judgments that names an unknown judge or repeats an earlier one."""
    for number, dataset in enumerate(datasets):
        sources = dataset.judgments if isinstance(dataset, DatasetSettings) else ()
        for index, source in enumerate(sources):
            path: Path = ("datasets", number, "judgments", index)
            if source.judge is not None and source.judge not in judges:
                hint = nearest_name_hint(source.judge, judges) if judges else "add it to 'judges:'"
                yield Problem((*path, "judge"), f"unknown judge {source.judge!r}", hint)
            if source in sources[:index]:
                yield Problem(path, "these judgments are listed twice", "remove one of them")

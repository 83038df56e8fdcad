"""``evalkit dataset check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evalkit.cli.options import JSON, SET
from evalkit.cli.output import echo, echo_json, echo_text

if TYPE_CHECKING:
    from evalkit.config import Config


@click.command()
@click.argument("spec", metavar="SPEC|CONFIG")
@click.option("--strict", is_flag=True, help="Exit with code 3 if there are errors.")
@SET
@JSON
def check(spec: str, overrides: tuple[str, ...], *, strict: bool, as_json: bool) -> None:
    """Find problems of a dataset and print their effect on the metrics.

    SPEC is as for `evalkit dataset info`; its candidates are retrieved with BM25. CONFIG is a configuration
    (.yaml): all its datasets are checked with its own retriever, including truncation by its local rerankers. No
    reranker is called.
    """
    from dataclasses import asdict

    from evalkit.config import is_config_file
    from evalkit.dataset_checks import SEVERITIES, by_severity
    from evalkit.errors import IncompleteError
    from evalkit.experiment.dataset_inspection import inspect
    from evalkit.report.dataset_findings import finding_tables
    from evalkit.results.json_shapes import to_json

    config = _config(spec, overrides)
    findings = by_severity(inspect(config))
    counts = {severity: sum(one.severity == severity for one in findings) for severity in SEVERITIES}
    if as_json:
        echo_json(to_json([asdict(finding) for finding in findings]))
    else:
        echo_text(finding_tables(findings))
    if strict and counts["error"]:
        raise IncompleteError(
            f"{spec}: errors found ({counts['error']}): results on this data are meaningless",
            "fix the data as described under remedy",
        )
    if not as_json:
        counted = ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items())
        echo(f"{', '.join(one.label for one in config.datasets)}: {counted}")
        echo(f"next: evalkit {f'run {spec}' if is_config_file(spec) else 'dataset check CONFIG.yaml'}")


def _config(spec: str, overrides: tuple[str, ...]) -> Config:
    """Return the configuration of a file, or one with the dataset only."""
    from evalkit.config import is_config_file, load_config
    from evalkit.config.load import build_config
    from evalkit.config.source import Source
    from evalkit.datasets import named_datasets

    if is_config_file(spec):
        return load_config(spec, overrides, keys="ignored")
    alone = {"name": "check", "datasets": ["demo"], "rerankers": {"unchanged": {"backend": "identity"}}}
    datasets = tuple(named_datasets(spec, overrides))
    return build_config(Source(spec, data=alone)).model_copy(update={"datasets": datasets})

"""``evalkit serve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from evalkit.cli.options import SET, WholeNumber

if TYPE_CHECKING:
    from evalkit.config import Config, RerankerSettings

_UNNAMED = "served"
"""The tag of a backend that is given without a configuration."""
_TOP_LEVEL = ("service.", "plugins=")
"""Beginnings of overrides that do not set keys of the backend."""


class ServeOptions(TypedDict):
    """The flags of ``evalkit serve``."""

    tags: tuple[str, ...]
    backend: str | None
    model: str | None
    overrides: tuple[str, ...]
    host: str
    port: int
    dialect: str
    api_key_env: str | None
    applied: Path | None


@click.command()
@click.argument("config", metavar="[CONFIG]", required=False, type=click.Path(dir_okay=False))
@click.option(
    "--reranker", "tags", metavar="TAG", multiple=True, help="Tag of a reranker in CONFIG [default: all]. Repeatable."
)  # fmt: skip
@click.option("--backend", metavar="NAME", help="Serve a backend without a configuration, e.g. lexical.")
@click.option(
    "--model",
    metavar="NAME",
    help="Model of the backend, or the served model name. Requests for other names are refused.",
)
@SET
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=WholeNumber(0, 65535),
    help="Port; 0 selects a free one.",
)
@click.option("--dialect", default="assisters", show_default=True, help="Wire format of /v1/rerank.")
@click.option("--api-key-env", metavar="VARIABLE", help="Require the API key in this environment variable.")
@click.option(
    "--apply",
    "applied",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Apply depth, threshold and probabilities of the production.json of 'evalkit tune all'.",
)
def serve(config: str | None, **options: Unpack[ServeOptions]) -> None:
    """Serve rerankers as an HTTP API in all dialects.

    Give either CONFIG, whose tags are the model names, or --backend NAME with its settings as --set KEY=VALUE.
    --set service.KEY=VALUE sets limits, batching, trusted proxies and accepted host names. GET /openapi.json describes
    the API. On a loopback address only requests for localhost with a JSON body are accepted by default.
    """
    from evalkit import registry
    from evalkit.config import ServiceSettings, load_config
    from evalkit.http_client import require_key
    from evalkit.server.serve import serve as serve_backends

    tags, backend, model = options["tags"], options["backend"], options["model"]
    applied, overrides = options["applied"], options["overrides"]
    registry.lookup("dialect", options["dialect"])
    if (config is None) == (backend is None) or (config is None and tags):
        raise click.UsageError("give either CONFIG (optionally with --reranker TAG) or --backend NAME")
    if applied is not None and config is None:
        raise click.UsageError("--apply needs CONFIG: the file was made for one of its rerankers")
    rules = {}
    if config is not None:
        loaded = load_config(config, overrides, check_files=False)  # served without the datasets
        rerankers = _chosen(loaded, tags)
        if applied is not None:
            from evalkit.server.applied_rules import read_rule

            rules = {tag: read_rule(applied, tag, loaded.rerankers[tag]) for tag in rerankers}
    else:
        loaded = _unnamed(str(backend), model, overrides)
        settings = loaded.rerankers[_UNNAMED]
        rerankers = {_public_name(settings, model): settings}
    serve_backends(
        rerankers,
        loaded.service or ServiceSettings(),
        dialect=options["dialect"],
        host=options["host"],
        port=options["port"],
        api_key=require_key(options["api_key_env"]),
        any_name=model is None,
        rules=rules,
    )


def _chosen(config: Config, tags: tuple[str, ...]) -> dict[str, RerankerSettings]:
    """Return the rerankers of a configuration; instead of one with a ``serve:`` block, the one in the block."""
    from evalkit.errors import UnknownNameError

    for tag in tags:
        if tag not in config.rerankers:
            raise UnknownNameError("reranker", tag, config.rerankers)
    chosen = {tag: config.rerankers[tag] for tag in tags or config.rerankers}
    return {tag: settings.served_settings() or settings for tag, settings in chosen.items()}


def _unnamed(backend: str, model: str | None, overrides: tuple[str, ...]) -> Config:
    """Return a configuration with one backend; overrides name its settings without a path."""
    from evalkit import registry
    from evalkit.config import load_plugins
    from evalkit.config.load import build_config
    from evalkit.config.source import Source, parse_value

    for override in overrides:
        if override.startswith("plugins="):  # the backend may be one of them
            for file in parse_value(override.partition("=")[2]) or ():
                load_plugins(Path(str(file)))
    takes_model = "model" in registry.lookup("reranker backend", backend).Settings.model_fields
    block: dict[str, Any] = {"backend": backend, **({"model": model} if model and takes_model else {})}
    data = {"name": "serve", "datasets": ["demo"], "rerankers": {_UNNAMED: block}}
    paths = [one if one.startswith(_TOP_LEVEL) else f"rerankers.{_UNNAMED}.{one}" for one in overrides]
    return build_config(Source("evalkit serve", data=data), paths)


def _public_name(settings: RerankerSettings, asked: str | None) -> str:
    """Return the public name of a backend: the last part of its model's path, else the given or the backend's name."""
    model = getattr(settings, "model", None) or asked
    return str(model).rstrip("/").rpartition("/")[2] if model else settings.backend

"""``evalkit serve``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.options import SET

if TYPE_CHECKING:
    from evalkit.config import RerankerSettings


@click.command()
@click.argument("config", metavar="[CONFIG]", required=False, type=click.Path(dir_okay=False))
@click.option("--reranker", metavar="TAG", help="Which reranker of CONFIG to serve.")
@click.option("--backend", metavar="NAME", help="Serve a backend without a configuration, e.g. lexical.")
@click.option("--model", metavar="NAME", help="Model of the backend, where it takes one.")
@SET
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option("--dialect", default="assisters", show_default=True, help="Wire format.")
@click.option("--api-key-env", metavar="VARIABLE", help="Demand the key held by this environment variable.")
def serve(  # noqa: PLR0913, PLR0917 - the flags of the contract
    config: str | None,
    reranker: str | None,
    backend: str | None,
    model: str | None,
    overrides: tuple[str, ...],
    host: str,
    port: int,
    dialect: str,
    api_key_env: str | None,
) -> None:
    """Serve a reranker as a rerank API: POST /v1/rerank.

    Either CONFIG with --reranker TAG, or --backend NAME with its settings as --set KEY=VALUE.
    """
    from evalkit import registry
    from evalkit.server.serving import serve as serve_backend

    registry.lookup("dialect", dialect)
    settings = _settings(config, reranker, backend, model, overrides)
    serve_backend(
        settings,
        model=_public_name(reranker, settings),
        dialect=dialect,
        host=host,
        port=port,
        api_key=_key(api_key_env),
    )


def _settings(
    config: str | None, tag: str | None, backend: str | None, model: str | None, overrides: tuple[str, ...]
) -> RerankerSettings:
    from evalkit.config import load_config, reranker_settings
    from evalkit.config.source import parse_value
    from evalkit.errors import UnknownNameError

    if (config is None) == (backend is None) or (config is None) != (tag is None):
        raise click.UsageError("give either CONFIG with --reranker TAG, or --backend NAME")
    if config is not None and tag is not None:
        rerankers = load_config(config, overrides).rerankers
        if tag not in rerankers:
            raise UnknownNameError("reranker", tag, rerankers)
        nested = getattr(rerankers[tag], "serve", None)
        if nested is None:
            return rerankers[tag]
        block: dict[str, Any] = dict(nested)
    else:
        block = {"backend": backend, **({"model": model} if model else {})}
        for override in overrides:
            key, separator, value = override.partition("=")
            if not separator:
                raise click.UsageError(f"--set {override} sets nothing: write --set KEY=VALUE")
            block[key] = parse_value(value)
    return reranker_settings(block)


def _public_name(tag: str | None, settings: RerankerSettings) -> str:
    """Return the name the service goes by: the tag, the model's last path part, or the backend."""
    model = getattr(settings, "model", None)
    return tag or (str(model).rstrip("/").rpartition("/")[2] if model else settings.backend)


def _key(variable: str | None) -> str | None:
    from evalkit.errors import InputError

    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise InputError(f"the environment variable {variable!r} is not set", f"export {variable}=... first")
    return key

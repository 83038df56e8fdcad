"""The inputs of a run as one key: the same inputs make the same raw files, so that a further run need not make them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalkit import registry
from evalkit.cache import cache_key, content_hash
from evalkit.config import Config, run_yaml
from evalkit.config.blocks import BlockSettings
from evalkit.config.settings import Settings
from evalkit.results.program_state import program_key

MOST_BYTES = 2**32
"""Size of all input files together above which they are not hashed: they may be far more than a run reads of them."""


def inputs_key(config: Config) -> str | None:
    """Return a hash of the configuration, the content of all files that it names, and evalkit's code.

    Returns
    -------
    str or None
        None if another run may give other raw files: a reranker is called whose scores are stored or whose calls are
        timed, a plugin of another package or a name in a hub is used, or a file is missing.
    """
    if not _repeats_exactly(config):
        return None
    program = program_key()
    paths = sorted(set(_paths([*_blocks(config), config.runs, *_tokenizers(config)])))
    if program is None or not all(path.exists() for path in paths) or _size(paths) > MOST_BYTES:
        return None
    return cache_key([program, run_yaml(config), [(str(path), content_hash(path)) for path in paths]])


def _repeats_exactly(config: Config) -> bool:
    """Return whether nothing but files decides what the run records."""
    return (
        config.quality
        and config.latency is None
        and not config.plugins
        and (config.execution is None or config.execution.engine == "local")
        and not any(settings.timed for settings in config.rerankers.values())
        and all(settings.repeats_exactly for settings in _blocks(config))
        and all(plugin.owner == registry.DISTRIBUTION for plugin in _plugins(config))
    )


def _blocks(config: Config) -> list[BlockSettings]:
    return [*config.datasets, config.retriever, *config.rerankers.values()]


def _plugins(config: Config) -> Iterator[registry.Plugin]:
    """Yield the plugins of the blocks; none of those that repeat exactly has nested blocks."""
    yield from (registry.find("dataset source", one.source) for one in config.datasets)
    yield registry.find("retriever kind", config.retriever.kind)
    yield from (registry.find("reranker backend", one.backend) for one in config.rerankers.values())


def _tokenizers(config: Config) -> Iterator[Path]:
    """Yield the tokenizers; the name of one in a hub is no path that exists."""
    names = [config.tokenizer, *(one.passages.tokenizer for one in config.datasets if one.passages)]
    yield from (Path(name) for name in names if name is not None)


def _paths(value: Any) -> Iterator[Path]:
    """Yield all paths in settings: a key of any name whose value is a path is an input."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, Settings):
        yield from _paths([getattr(value, key) for key in type(value).model_fields])
    elif isinstance(value, Mapping):
        yield from _paths([*value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths(item)


def _size(paths: list[Path]) -> int:
    files = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    return sum(file.stat().st_size for file in files if file.is_file())

"""The names under which the model of a reranker is known: those of its settings and of its files."""

from __future__ import annotations

from evalkit.config import RerankerSettings
from evalkit.errors import EvalkitError
from evalkit.records.named_models import model_names
from evalkit.rerankers.local_model import LocalModelSettings


def names_of_models(settings: RerankerSettings) -> tuple[str, ...]:
    """Return the names in the settings of a reranker, and those of what a local model was made of, each once."""
    names = model_names(settings.model_dump(mode="json", exclude_none=True))
    if not isinstance(settings, LocalModelSettings):
        return names
    from evalkit.encoding.checkpoints.model_files import read_model_files
    from evalkit.encoding.input_forms.model_name import bases

    try:
        files = read_model_files(settings.model, settings.revision, cached_only=True)
    except (EvalkitError, OSError, ValueError):
        return names  # a model that is on another machine, for example
    return tuple(dict.fromkeys((*names, *bases(files))))

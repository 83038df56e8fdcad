"""Load models with classes of transformers that sentence-transformers does not load."""

from __future__ import annotations

from typing import Any

from evalkit.encoding.library_runtime import torch_dtype
from evalkit.encoding.model_settings import ModelSettings


def load_own(auto_class: str, settings: ModelSettings, **config: Any) -> Any:
    """Return a model of transformers in evaluation mode, in its precision and on its device.

    Parameters
    ----------
    auto_class
        Name of the class of transformers that selects the model's class, such as ``AutoModelForSeq2SeqLM``.
    settings
        Which model, and how it is run.
    config
        Values that replace those of its configuration.
    """
    import transformers
    from sentence_transformers.util import get_device_name

    model = getattr(transformers, auto_class).from_pretrained(
        settings.model,
        revision=settings.revision,
        trust_remote_code=settings.trust_remote_code,
        dtype=torch_dtype(settings.precision),
        **config,
    )
    return model.to(settings.device or get_device_name()).eval()


def load_tokenizer(settings: ModelSettings) -> Any:
    """Return the tokenizer of a model, of transformers."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(
        settings.model, revision=settings.revision, trust_remote_code=settings.trust_remote_code
    )

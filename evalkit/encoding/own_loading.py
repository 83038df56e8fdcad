"""Load models with classes of transformers that sentence-transformers does not load."""

from __future__ import annotations

from typing import Any

from evalkit.encoding.model_settings import ModelSettings
from evalkit.errors import InputError


def load_weights(auto_class: str, settings: ModelSettings, kind: str, **config: Any) -> Any:
    """Return a model of transformers in evaluation mode, on its device, with all of its weights.

    Parameters
    ----------
    auto_class
        Name of the class of transformers that selects the model's class, such as ``AutoModelForSeq2SeqLM``.
    settings
        Which model, and how it is run.
    kind
        What the model is, in words, for messages.
    config
        Values that replace those of its configuration.

    Raises
    ------
    InputError
        If its files lack weights of the class: transformers would make random ones.
    """
    import torch
    import transformers
    from sentence_transformers.util import get_device_name

    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    model, loaded = getattr(transformers, auto_class).from_pretrained(
        settings.model,
        revision=settings.revision,
        trust_remote_code=settings.trust_remote_code,
        dtype=types[settings.precision],
        output_loading_info=True,
        **config,
    )
    absent = sorted({*loaded["missing_keys"], *(str(one) for one in loaded["mismatched_keys"])})
    if absent:
        raise InputError(
            f"the files of the model {settings.model!r}, {kind}, lack {len(absent)} of its weights, such as"
            f" {absent[0]}: they would be random",
            "download the model again, or use a model that is trained to score pairs",
        )
    return model.to(settings.device or get_device_name()).eval()


def load_tokenizer(settings: ModelSettings, folder: Any = None) -> Any:
    """Return the tokenizer of a model, from its folder if one is given."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(
        str(folder or settings.model),
        revision=settings.revision,
        trust_remote_code=settings.trust_remote_code,
    )

"""Load a model for torch with sentence-transformers."""

from __future__ import annotations

from typing import Any

from evalkit.encoding.classifier_padding import complete_padding
from evalkit.encoding.input_forms import PairScoring, TokenHead
from evalkit.encoding.length_limit import limit_length
from evalkit.encoding.library_runtime import model_errors
from evalkit.encoding.model_checks import check_kind, check_words
from evalkit.encoding.model_files import ModelFiles
from evalkit.encoding.model_settings import ModelSettings
from evalkit.encoding.tokenizer_check import check_sentence_piece
from evalkit.errors import MissingExtraError


def load_library_model(settings: ModelSettings, files: ModelFiles, scoring: PairScoring | None = None) -> Any:
    """Return the sentence-transformers model of a kind, in evaluation mode, with its length limit.

    Parameters
    ----------
    settings, files
        Which model, and what its files say.
    scoring
        What is read of a cross-encoder in an input form; None for what the library reads.

    Raises
    ------
    MissingExtraError
        If sentence-transformers is not installed.
    InputError
        If the model cannot be loaded, or it is of another kind.
    """
    try:
        import sentence_transformers
        import torch
    except ImportError:
        raise MissingExtraError(f"the {settings.kind} backend", "local") from None
    makers = {
        "cross_encoder": sentence_transformers.CrossEncoder,
        "bi_encoder": sentence_transformers.SentenceTransformer,
        "late_interaction": sentence_transformers.MultiVectorEncoder,
    }
    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if scoring is None:
        check_kind(files, settings.kind)
    check_sentence_piece(files)
    trusted = settings.trust_remote_code and not (scoring is not None and scoring.replaces_code)
    source = {"revision": settings.revision, "trust_remote_code": trusted}
    with model_errors(settings.model):
        if scoring is not None and isinstance(scoring.head, TokenHead):
            from evalkit.encoding.input_forms.answer_model import answer_model

            library_model = answer_model(
                settings.model, scoring.head, settings.device, types[settings.precision], **source
            )
        else:
            library_model = makers[settings.kind](
                settings.model,
                device=settings.device,
                model_kwargs={"dtype": types[settings.precision]},
                **source,
            )
        check_words(settings.model, library_model.tokenizer)
        if settings.kind == "cross_encoder":
            from evalkit.encoding.input_forms.answer_model import count_positions

            complete_padding(library_model)
            count_positions(library_model)
    limit_length(settings.model, library_model, settings.max_length_tokens)
    if settings.compile:
        library_model.compile(dynamic=True)
    return library_model.eval()

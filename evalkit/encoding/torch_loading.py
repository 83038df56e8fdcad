"""Load a model for torch with sentence-transformers."""

from __future__ import annotations

from typing import Any

from evalkit.encoding.end_tokens import group_by_end_tokens, reads_end_tokens
from evalkit.encoding.library_runtime import model_errors
from evalkit.encoding.loaded_weights import check_shapes, check_weights, reported_weights
from evalkit.encoding.model_checks import check_kind
from evalkit.encoding.model_code import check_code
from evalkit.encoding.model_files import ModelFiles
from evalkit.encoding.model_settings import ModelSettings
from evalkit.encoding.vocabulary import check_vocabulary, check_words
from evalkit.errors import MissingExtraError


def load_library_model(settings: ModelSettings, files: ModelFiles) -> Any:
    """Return the sentence-transformers model of a kind, in evaluation mode, with its length limit.

    Raises
    ------
    MissingExtraError
        If sentence-transformers is not installed.
    InputError
        If the model cannot be loaded, it is of another kind, it needs code that is not trusted, weights are missing,
        or the tokenizer is another model's.
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
    check_kind(files, settings.kind)
    if not settings.trust_remote_code:
        check_code(files, settings.kind)
    with model_errors(settings.model), reported_weights() as reports:
        try:
            library_model = makers[settings.kind](
                settings.model,
                revision=settings.revision,
                device=settings.device,
                trust_remote_code=settings.trust_remote_code,
                model_kwargs={"dtype": types[settings.precision]},
            )
        finally:
            check_shapes(settings.model, reports)
        check_words(settings.model, library_model.tokenizer)
        check_weights(settings.model, reports, library_model)
        check_vocabulary(settings.model, library_model)
    if reads_end_tokens(files.architectures) and settings.kind == "cross_encoder":
        group_by_end_tokens(library_model[0].model)
    if settings.max_length_tokens is not None:
        library_model.max_seq_length = settings.max_length_tokens
        library_model[0].document_length = settings.max_length_tokens  # takes precedence in late interaction
    if settings.compile:
        library_model.compile(dynamic=True)
    return library_model.eval()

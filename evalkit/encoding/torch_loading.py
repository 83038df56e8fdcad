"""Load a model for torch with sentence-transformers."""

from __future__ import annotations

from typing import Any

from evalkit.encoding.classifier_padding import complete_padding
from evalkit.encoding.computed_buffers import restore_buffers
from evalkit.encoding.end_tokens import group_by_end_tokens, reads_end_tokens
from evalkit.encoding.input_forms import LayerHead, PairScoring, TokenHead, is_seq2seq
from evalkit.encoding.length_limit import limit_length
from evalkit.encoding.library_runtime import model_errors
from evalkit.encoding.loaded_weights import check_shapes, check_weights, reported_weights
from evalkit.encoding.model_checks import check_kind, note_pooling
from evalkit.encoding.model_code import check_code
from evalkit.encoding.model_files import ModelFiles
from evalkit.encoding.model_settings import ModelSettings
from evalkit.encoding.tokenizer_check import check_sentence_piece
from evalkit.encoding.vocabulary import check_vocabulary, check_words
from evalkit.errors import MissingExtraError


def load_library_model(settings: ModelSettings, files: ModelFiles, scoring: PairScoring | None = None) -> Any:
    """Return the sentence-transformers model of a kind, in evaluation mode, with its length limit.

    Parameters
    ----------
    settings
        Which model, and how it is run.
    files
        What its files say.
    scoring
        Input form of a cross-encoder, and what is read of it; None if the library's modules say both.

    Raises
    ------
    MissingExtraError
        If sentence-transformers is not installed.
    InputError
        If the model cannot be loaded, it is of another kind, it needs code that is not trusted, weights are missing,
        or the tokenizer is another model's.
    """
    try:
        import sentence_transformers  # noqa: F401 - the first of several imports below
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtraError(f"the {settings.kind} backend", "local") from None
    if scoring is None:
        check_kind(files, settings.kind)
    check_sentence_piece(files)
    if not settings.trust_remote_code and not (scoring is not None and scoring.replaces_code):
        with model_errors(settings.model):
            check_code(files, settings.kind)
    with model_errors(settings.model), reported_weights() as reports:
        try:
            library_model = _loaded(settings, files, scoring)
        finally:
            check_shapes(settings.model, reports)
        check_words(settings.model, library_model.tokenizer)
        check_weights(settings.model, reports, library_model)
        check_vocabulary(settings.model, library_model)
        restore_buffers(settings.model, (one.model for one in reports if one.is_from_transformers))
        if settings.kind == "cross_encoder":
            from evalkit.encoding.input_forms.answer_model import count_positions

            complete_padding(library_model)
            count_positions(library_model)
            if reads_end_tokens(files.architectures):
                group_by_end_tokens(library_model[0].model)
    if scoring is None:
        note_pooling(files, settings.kind)
    limit_length(settings.model, library_model, settings.max_length_tokens)
    if settings.compile:
        library_model.compile(dynamic=True)
    return library_model.eval()


def _loaded(settings: ModelSettings, files: ModelFiles, scoring: PairScoring | None) -> Any:
    """Return the model of sentence-transformers, with evalkit's own modules where the library has none."""
    import sentence_transformers
    import torch

    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    makers = {
        "cross_encoder": sentence_transformers.CrossEncoder,
        "bi_encoder": sentence_transformers.SentenceTransformer,
        "late_interaction": sentence_transformers.MultiVectorEncoder,
    }
    head = None if scoring is None else scoring.head
    if isinstance(head, LayerHead) or (isinstance(head, TokenHead) and is_seq2seq(files)):
        from evalkit.encoding.own_modules import layerwise_model, seq2seq_model

        return layerwise_model(settings) if isinstance(head, LayerHead) else seq2seq_model(settings, head)
    trusted = settings.trust_remote_code and not (scoring is not None and scoring.replaces_code)
    source = {"revision": settings.revision, "trust_remote_code": trusted}
    if isinstance(head, TokenHead):
        from evalkit.encoding.input_forms.answer_model import answer_model

        return answer_model(settings.model, head, settings.device, types[settings.precision], **source)
    return makers[settings.kind](
        settings.model, device=settings.device, model_kwargs={"dtype": types[settings.precision]}, **source
    )

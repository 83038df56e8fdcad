"""Load a model for torch with sentence-transformers."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from evalkit.encoding.checkpoints.computed_buffers import restore_buffers
from evalkit.encoding.checkpoints.late_markers import check_late
from evalkit.encoding.checkpoints.length_limit import limit_length
from evalkit.encoding.checkpoints.loaded_weights import check_shapes, check_weights, reported_weights
from evalkit.encoding.checkpoints.model_checks import check_kind, note_pooling
from evalkit.encoding.checkpoints.model_code import check_code
from evalkit.encoding.checkpoints.model_files import ModelFiles
from evalkit.encoding.checkpoints.module_checks import check_configs, check_modules
from evalkit.encoding.checkpoints.static_files import check_static
from evalkit.encoding.checkpoints.tokenizer_check import check_sentence_piece
from evalkit.encoding.checkpoints.vocabulary import check_vocabulary, check_words
from evalkit.encoding.input_forms import LayerHead, PairScoring, TokenHead, is_seq2seq
from evalkit.encoding.input_forms.level_head import LevelHead
from evalkit.encoding.library_runtime import model_errors, suppress_warnings, torch_dtype
from evalkit.encoding.model_settings import ModelSettings
from evalkit.encoding.torch_runtime.classifier_padding import complete_padding
from evalkit.encoding.torch_runtime.end_tokens import group_by_end_tokens, reads_end_tokens
from evalkit.encoding.torch_runtime.role_modules import routes
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
    if find_spec("sentence_transformers") is None or find_spec("torch") is None:
        raise MissingExtraError(f"the {settings.kind} backend", "local")
    with model_errors(settings.model):  # what is read of the loaded model may be of any type
        _check_files(settings, files, scoring)
        library_model = _checked(settings, files, scoring)
        for route in routes(library_model):
            limit_length(settings.model, route.module, route.network, settings.max_length_tokens)
        if settings.compile:
            library_model.compile(dynamic=True)
    if scoring is None:
        note_pooling(files, settings.kind)
    return library_model.eval()


def _checked(settings: ModelSettings, files: ModelFiles, scoring: PairScoring | None) -> Any:
    """Return the loaded model: its words and weights are those of its files, and batches change no score."""
    with reported_weights() as reports:
        try:
            with suppress_warnings():  # what they would say is checked below
                library_model = _loaded(settings, files, scoring)
        finally:
            check_shapes(settings.model, reports)
        check_words(settings.model, library_model.tokenizer)
        check_weights(settings.model, reports, library_model)
        check_vocabulary(settings.model, library_model)
        if settings.kind == "late_interaction":
            check_late(files, library_model.tokenizer)
        restore_buffers(settings.model, (one.model for one in reports if one.is_from_transformers))
        _complete(settings, files, library_model)
    return library_model


def _needs_code(scoring: PairScoring | None) -> bool:
    """Return whether code of the model's repository is needed: some known ways to score replace it."""
    return scoring is None or not scoring.replaces_code


def _check_files(settings: ModelSettings, files: ModelFiles, scoring: PairScoring | None) -> None:
    check_configs(files)
    if scoring is None:
        check_modules(files)
        check_kind(files, settings.kind)
    check_static(files)
    check_sentence_piece(files)
    if not settings.trust_remote_code and _needs_code(scoring):
        check_code(files, settings.kind)


def _loaded(settings: ModelSettings, files: ModelFiles, scoring: PairScoring | None) -> Any:
    """Return the model of sentence-transformers, with evalkit's own modules where the library has none."""
    import sentence_transformers

    head = None if scoring is None else scoring.head
    if isinstance(head, LayerHead) or (isinstance(head, TokenHead) and is_seq2seq(files)):
        from evalkit.encoding.torch_runtime.own_modules import layerwise_model, seq2seq_model

        return layerwise_model(settings) if isinstance(head, LayerHead) else seq2seq_model(settings, head)
    dtype = torch_dtype(settings.precision)
    source = {
        "revision": settings.revision,
        "trust_remote_code": settings.trust_remote_code and _needs_code(scoring),
    }
    if isinstance(head, TokenHead | LevelHead):
        from evalkit.encoding.input_forms.answer_model import answer_model

        return answer_model(settings.model, head, settings.device, dtype, **source)
    makers = {
        "cross_encoder": sentence_transformers.CrossEncoder,
        "bi_encoder": sentence_transformers.SentenceTransformer,
        "late_interaction": sentence_transformers.MultiVectorEncoder,
    }
    return makers[settings.kind](
        settings.model, device=settings.device, model_kwargs={"dtype": dtype}, **source
    )


def _complete(settings: ModelSettings, files: ModelFiles, library_model: Any) -> None:
    """Have a model compute the same in a batch as alone."""
    if settings.kind == "bi_encoder":
        from evalkit.encoding.torch_runtime.static_embeddings import pad_static

        pad_static(library_model, torch_dtype(settings.precision), settings.model)
    if settings.kind == "cross_encoder":
        from evalkit.encoding.input_forms.answer_model import count_positions
        from evalkit.encoding.torch_runtime.answer_logits import score_answers_alone
        from evalkit.encoding.torch_runtime.first_token import compute_first_token

        complete_padding(library_model)
        count_positions(library_model)
        score_answers_alone(library_model)
        compute_first_token(getattr(library_model[0], "model", None))
        if reads_end_tokens(files.architectures):
            group_by_end_tokens(library_model[0].model)

"""A local language model that is asked for one of several levels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib.util import find_spec

from evalkit.encoding.checkpoints.model_files import read_model_files
from evalkit.encoding.engine import Engine
from evalkit.encoding.input_forms import PairScoring, is_causal
from evalkit.encoding.input_forms.level_head import AnswerFrame, LevelHead
from evalkit.encoding.input_forms.prompt_tokeniser import PromptOf, PromptTokeniser
from evalkit.encoding.library_runtime import model_errors
from evalkit.encoding.model_settings import LocalModel
from evalkit.encoding.state import model_access
from evalkit.errors import EvalkitWarning, InputError, MissingExtraError


class LevelModel:
    """A causal language model in memory, whose outputs are the log-probabilities of levels as the next token.

    Parameters
    ----------
    settings
        Which model, and how it is run.
    levels
        The texts of the levels.

    Raises
    ------
    MissingExtraError
        If the local extra is not installed.
    InputError
        If the model is no causal language model, a level is not one of its tokens, or it cannot be loaded.
    """

    def __init__(self, settings: LocalModel, levels: Sequence[str]) -> None:
        if find_spec("torch") is None or find_spec("sentence_transformers") is None:
            raise MissingExtraError("a judge that is a local language model", "local")
        from evalkit.encoding.torch_runtime.torch_model import TorchModel

        wanted = settings.of_kind("cross_encoder")
        with model_access(settings.model), model_errors(settings.model):
            files = read_model_files(settings.model, settings.revision)
        if not is_causal(files):
            raise InputError(
                f"the model {settings.model!r} ({', '.join(files.architectures)}) is no causal language model",
                "use a language model that answers questions",
            )
        self._model = TorchModel(wanted, PairScoring(None, LevelHead(tuple(levels))))
        for remark in self._model.card.remarks:
            warnings.warn(remark, EvalkitWarning, stacklevel=2)
        tokenizer = self._model.library_model.tokenizer
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise InputError(
                f"the tokenizer of the model {settings.model!r} is written in Python",
                "convert its tokenizer with transformers, and add the tokenizer.json to the model",
            )
        with model_errors(settings.model, "be used"):
            frame = AnswerFrame.of(settings.model, tokenizer)
            self._tokeniser = PromptTokeniser(backend.to_str(), self._model.card.rules, frame)
        self.max_length = self._model.card.rules.max_length

    def engine(self, prompt_of: PromptOf) -> Engine:
        """Return an engine for pairs that are asked for with a prompt; all engines share the model.

        Its outputs are ``(levels,)`` log-probabilities.
        """
        return self._model.engine_of(self._tokeniser.of(prompt_of))

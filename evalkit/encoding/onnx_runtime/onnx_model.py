"""Models that run on ONNX Runtime, without torch and transformers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib.util import find_spec

from evalkit.encoding.engine import Engine
from evalkit.encoding.input_forms import FormTokeniser
from evalkit.encoding.library_runtime import model_errors
from evalkit.encoding.model_settings import ModelSettings
from evalkit.encoding.onnx_runtime.onnx_export import MODEL, TOKENIZER, exported, read_card
from evalkit.encoding.onnx_runtime.onnx_network import OnnxNetwork
from evalkit.encoding.tokens import FastTokeniser
from evalkit.errors import MissingExtraError


class OnnxModel:
    """An exported model.

    Attributes
    ----------
    card
        Its metadata.
    """

    def __init__(self, settings: ModelSettings) -> None:
        if find_spec("onnxruntime") is None or find_spec("tokenizers") is None:
            raise MissingExtraError("runtime: onnx", "onnx")
        self._settings = settings
        self._folder = exported(settings)
        with self._cache_errors():
            self.card = read_card(self._folder)
        self._network = OnnxNetwork(self._folder / MODEL, settings.precision, settings.threads)

    def _cache_errors(self) -> AbstractContextManager[None]:
        return model_errors(
            self._settings.model,
            f"be read from the cache {self._folder}",
            "delete this folder; the next run exports the model again",
        )

    def engine(self, prompt: str | None = None, _task: str | None = None) -> Engine:
        """Return an engine that puts a prompt before every input; all engines share the model.

        A model that distinguishes queries from documents is not exported.
        """
        with self._cache_errors():
            tokenizer = (self._folder / TOKENIZER).read_text(encoding="utf-8")
            tokeniser = (
                FastTokeniser(tokenizer, self.card.rules, prompt)
                if self.card.form is None
                else FormTokeniser(tokenizer, self.card.rules, self.card.form.with_instruction(prompt))
            )
        batch_tokens = self._settings.batch_tokens or self._network.batch_tokens
        return Engine(tokeniser, self._network, batch_tokens, model=self._settings.model)

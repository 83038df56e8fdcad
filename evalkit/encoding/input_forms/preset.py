"""Presets: the documented input forms of known rerankers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from evalkit.encoding.checkpoints.model_files import ModelFiles
from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.heads import ClassifierHead, Head, LayerHead, TokenHead

CAUSAL, CLASSIFIER, SEQ2SEQ = "ForCausalLM", "ForSequenceClassification", "ForConditionalGeneration"

_SEQ2SEQ_TYPES = frozenset({"t5", "mt5", "umt5"})
"""Model types that are encoder-decoders where the configuration does not say so."""
_SEPARATOR = re.compile(r"[-_@ ]|\.(?!\d)")
"""Between a name and further words; a point before a digit is within a version."""
OWN_BEGIN = "{bos_token}"
"""As `begin` of a form: the token with which the tokenizer of the model begins a text, if it has one."""


@dataclass(frozen=True, slots=True)
class PairScoring:
    """How a model scores a pair.

    Attributes
    ----------
    form
        The form of its input; None if its inputs are prompts.
    head
        What is read of its output.
    replaces_code
        Whether the two do what the code in its repository does, so that the code is neither needed nor run.
    """

    form: InputForm | None
    head: Head
    replaces_code: bool = False


@dataclass(frozen=True, slots=True)
class Preset:
    """The input form of a family of rerankers.

    Attributes
    ----------
    name
        Its name for the setting ``prompt``.
    families
        Architectures without their endings, such as ``Qwen3``.
    owners
        Owners of the repositories in which the models were published.
    names
        Pattern of the whole names of these repositories, without their owners, and of the family, in lower case.
    form
        The form of a causal or encoder-decoder model.
    head
        What is read of a causal or encoder-decoder model; None if there is no such model in the family.
    classifier_form
        The form of a classifier in the family; `form` where it is None.
    mark
        Text of a chat template that only this family has; None for none.
    replaces_code
        Whether the form does what the code in the repositories does, so that the code need not be trusted.
    owns_families
        Whether every model of the families has this form, whatever its name.
    """

    name: str
    families: tuple[str, ...]
    owners: tuple[str, ...]
    names: re.Pattern[str]
    form: InputForm
    head: TokenHead | LayerHead | None
    classifier_form: InputForm | None = None
    mark: str | None = None
    replaces_code: bool = False
    owns_families: bool = False

    def fits(self, files: ModelFiles) -> bool:
        """Return whether a model has an architecture of the family."""
        endings = (CLASSIFIER,) if self.head is None else (CAUSAL, SEQ2SEQ, CLASSIFIER)
        known = {f"{family}{ending}" for family in self.families for ending in endings}
        return bool(known & set(files.architectures))

    @property
    def architectures(self) -> tuple[str, ...]:
        """Names of the architectures that the published models and their conversions have."""
        endings: tuple[str, ...] = (CAUSAL, CLASSIFIER)
        if self.head is None:
            endings = (CLASSIFIER,)
        elif self.is_seq2seq or isinstance(self.head, LayerHead):
            endings = (SEQ2SEQ if self.is_seq2seq else CAUSAL,)
        return tuple(f"{family}{ending}" for ending in endings for family in self.families)

    @property
    def is_seq2seq(self) -> bool:
        """Whether the family's models are encoder-decoders."""
        return bool({family.lower() for family in self.families} & _SEQ2SEQ_TYPES)

    def is_named(self, name: str) -> bool:
        """Return whether a repository or folder has a published name, alone or followed by further words.

        A name that only contains a published one is often that of another model: ``distilled-from-zerank-2``.
        """
        lower = name.lower()
        return self.names.fullmatch(lower) is not None or any(
            self.names.fullmatch(lower[: found.start()]) for found in _SEPARATOR.finditer(lower)
        )

    def published(self, repository: str) -> bool:
        """Return whether a name, with or without its owner, is that of a published repository."""
        owner, _, name = repository.lower().rpartition("/")
        known = not owner or owner in {one.lower() for one in self.owners}
        return known and self.names.fullmatch(name) is not None

    def has_mark(self, files: ModelFiles) -> bool:
        """Return whether the chat template of a model is the family's own."""
        return self.mark is not None and self.mark in (files.chat_template or "")

    def scoring(self, files: ModelFiles) -> PairScoring:
        """Return how a model of the family scores, by its architecture."""
        if is_classifier(files) or self.head is None:
            return PairScoring(self.classifier_form or self.form, ClassifierHead(), self.replaces_code)
        return PairScoring(_begun(self.form, files.tokenizer_config), self.head, self.replaces_code)


def _begun(form: InputForm, tokenizer_config: Mapping[str, Any]) -> InputForm:
    """Return the form with the token of the tokenizer where it begins with the model's own."""
    if form.begin != OWN_BEGIN:
        return form
    token = tokenizer_config.get("bos_token")
    text = token.get("content") if isinstance(token, Mapping) else token
    return replace(form, begin=str(text) if text else None)


def is_classifier(files: ModelFiles) -> bool:
    """Return whether a model is a sequence classifier."""
    return any(one.endswith(CLASSIFIER) for one in files.architectures)


def is_causal(files: ModelFiles) -> bool:
    """Return whether a model is a causal language model."""
    return any(one.endswith((CAUSAL, "LMHeadModel")) for one in files.architectures)


def is_layerwise(files: ModelFiles) -> bool:
    """Return whether a model is a causal language model with a head that scores at each of its last layers."""
    return any(one.startswith("LayerWise") for one in files.architectures)


def is_seq2seq(files: ModelFiles) -> bool:
    """Return whether a model is an encoder-decoder for texts."""
    named = any(one.endswith(SEQ2SEQ) for one in files.architectures)
    said = files.config.get("is_encoder_decoder", files.model_type in _SEQ2SEQ_TYPES)
    return named and bool(said) and "vision_config" not in files.config

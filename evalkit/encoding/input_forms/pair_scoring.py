"""Decide how a model scores a pair: as its modules say, in a known or a stated input form, or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalkit.encoding.checkpoints.model_files import ModelFiles
from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.heads import (
    ClassifierHead,
    LayerHead,
    check_distinct,
    check_in_vocabulary,
)
from evalkit.encoding.input_forms.model_name import base_models, card_title, own_names
from evalkit.encoding.input_forms.preset import (
    PairScoring,
    Preset,
    is_causal,
    is_classifier,
    is_layerwise,
    is_seq2seq,
)
from evalkit.encoding.input_forms.presets import PRESETS, preset_named
from evalkit.encoding.input_forms.stated import PromptSettings
from evalkit.encoding.input_forms.templates import carries_pairs, names_both_roles
from evalkit.encoding.input_forms.without_pairs import check_own_inputs, check_scores_pairs
from evalkit.errors import InputError, tell

Prompt = str | PromptSettings
"""The setting: the name of a preset, or a template with its tokens."""

_DECODERS = re.compile(
    r"(Apertus|Arcee|Bloom|Cohere|Deepseek|Doge|Ernie4_5|Exaone|Falcon|GPT|Gemma|Glm|Granite|Helium|HunYuan|InternLM|Jamba"
    r"|Llama|MiniCPM|Ministral|Mistral|Mixtral|ModernBertDecoder|Mpt|Nemotron|OPT|Olmo|Persimmon|Phi|Qwen|SeedOss|SmolLM"
    r"|StableLm|Starcoder|Zamba)\w*ForSequenceClassification"
)
"""Classifiers made of language models, which are rarely trained on plain pairs."""


def find_scoring(files: ModelFiles, prompt: Prompt | None = None) -> PairScoring | None:
    """Return the input form of a cross-encoder and what is read of it; None if the library's modules say both.

    Parameters
    ----------
    files
        What the files of the model say.
    prompt
        The form that the configuration states; None to find it.

    Raises
    ------
    InputError
        If the model was trained with a form that neither its files nor the configuration say, or the stated form does
        not suit it.
    """
    check_own_inputs(files)
    if prompt is not None:
        return _stated(files, prompt)
    _check_logit_score(files)
    if not _needs_form(files) or _says_form(files):
        return None
    check_scores_pairs(files)
    preset = recognised(files)
    if preset is not None:
        return preset.scoring(files)
    if is_causal(files) or is_seq2seq(files) or (files.chat_template is not None and _reads_messages(files)):
        raise _no_form(files)
    return None


def plain_pair_remark(files: ModelFiles) -> str | None:
    """Return what to say of a classifier in no form that is of a kind trained with templates; None for others."""
    if not _needs_form(files) or _says_form(files):
        return None
    return (
        f"{_described(files)} reads query and document as a plain pair, because nothing in its files says otherwise."
        f" Most rerankers of its kind are trained with a template: compare with its model card, and {_how(files)}"
    )


def form_of(prompt: Prompt) -> InputForm:
    """Return the input form that the setting states."""
    return preset_named(prompt).form if isinstance(prompt, str) else prompt.form


def recognised(files: ModelFiles) -> Preset | None:
    """Return the preset of a model, by its architecture and its chat template, name or model card."""
    fitting = [preset for preset in PRESETS if preset.fits(files)]
    for preset in fitting:
        if preset.owns_families or preset.has_mark(files):
            return preset
    for name in own_names(files):
        for preset in fitting:
            if preset.is_named(name):
                return preset
    return _by_card(files, fitting)


def _by_card(files: ModelFiles, fitting: Sequence[Preset]) -> Preset | None:
    """Return the preset of the model that the card is about by its title, or else of that which it was made of.

    What else a card mentions is no evidence: cards compare models. Base models of two presets are none either.
    """
    title = card_title(files)
    for preset in fitting:
        if preset.published(title):
            tell(
                f"{_described(files)} is read in the input form {preset.name}, because its model card names {title}"
                " in its title; set prompt to choose another"
            )
            return preset
    named = {one: preset for one in base_models(files) for preset in fitting if preset.published(one)}
    presets = {preset.name: preset for preset in named.values()}
    if len(presets) != 1:
        return None
    ((name, preset),) = presets.items()
    tell(
        f"{_described(files)} is read in the input form {name}, because its model card names {next(iter(named))}"
        " as its base model; if the card says another template or other tokens,"
        f" {_stated_as(files)}"
    )
    return preset


def _stated(files: ModelFiles, prompt: Prompt) -> PairScoring:
    """Return the form that the configuration states, if it suits the model."""
    if not is_causal(files) and not is_seq2seq(files) and not is_classifier(files):
        raise InputError(
            f"{_described(files)} is no causal language model, encoder-decoder or sequence classifier, so that prompt"
            " does not apply",
            "remove prompt",
        )
    if isinstance(prompt, str):
        preset = preset_named(prompt)
        if not preset.fits(files) and not _is_of_kind(files, preset):
            raise InputError(
                f"the input form {prompt} is for {_kind(preset)} ({', '.join(preset.architectures)}), not for"
                f" {_described(files)}",
                f"remove prompt, or {_how(files)}" if is_classifier(files) else _how(files),
            )
        return preset.scoring(files)
    head = prompt.head
    if is_layerwise(files) and isinstance(head, ClassifierHead):
        return PairScoring(prompt.form, LayerHead())
    if (is_causal(files) or is_seq2seq(files)) and isinstance(head, ClassifierHead):
        raise InputError(
            f"{_described(files)} answers with a token, and prompt has no true_token",
            "set prompt.true_token, and prompt.false_token where its model card names two tokens",
        )
    if (is_classifier(files) or is_layerwise(files)) and not isinstance(head, ClassifierHead):
        raise InputError(
            f"{_described(files)} has a head that scores, and no tokens to answer with",
            "remove true_token and false_token from prompt",
        )
    return PairScoring(prompt.form, head)


def _is_of_kind(files: ModelFiles, preset: Preset) -> bool:
    """Return whether a model of another family can be trained with the form of a preset and answer as it says."""
    if preset.is_seq2seq:
        return is_seq2seq(files)
    if isinstance(preset.head, LayerHead) or is_layerwise(files):
        return isinstance(preset.head, LayerHead) and is_layerwise(files)
    return _is_decoder_classifier(files) or (preset.head is not None and is_causal(files))


def _kind(preset: Preset) -> str:
    if preset.is_seq2seq:
        return "encoder-decoder models"
    if isinstance(preset.head, LayerHead):
        return "layerwise models"
    return "sequence classifiers of decoders" if preset.head is None else "decoders"


def _is_decoder_classifier(files: ModelFiles) -> bool:
    return any(_DECODERS.fullmatch(one) for one in files.architectures)


def _needs_form(files: ModelFiles) -> bool:
    """Return whether a model is of a kind that is trained with a template."""
    if "Pooling" in files.modules or "Dense" in files.modules:
        return False
    return is_causal(files) or is_seq2seq(files) or _is_decoder_classifier(files)


def _says_form(files: ModelFiles) -> bool:
    """Return whether the library applies a template that the files contain, and knows what to read."""
    if not files.modules:
        return is_classifier(files) and names_both_roles(files)
    scores = "LogitScore" in files.modules or is_classifier(files)
    return scores and _reads_messages(files) and carries_pairs(files)


def _reads_messages(files: ModelFiles) -> bool:
    """Return whether the library puts pairs into the chat template: unless a module lists other inputs alone."""
    inputs = [
        one["modality_config"]
        for one in _module_files(files, "sentence_bert_config.json")
        if "modality_config" in one
    ]
    return not inputs or any("message" in one for one in inputs)


def _module_files(files: ModelFiles, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the files of this name in the folder of the model and in those of its modules."""
    for path in sorted([*files.folder.glob(name), *files.folder.glob(f"*/{name}")]):
        content = json.loads(path.read_bytes())
        if isinstance(content, dict):
            yield content


def _check_logit_score(files: ModelFiles) -> None:
    """Check the tokens that a module reads, against each other and against the vocabulary."""
    rows = (files.config.get("text_config") or files.config).get("vocab_size")
    for module in _module_files(files, "config.json"):
        if "LogitScore" not in files.modules or "true_token_id" not in module:
            continue
        tokens = {name: module.get(f"{name}_id") for name in ("true_token", "false_token")}
        for name, token in tokens.items():
            if not isinstance(token, int) and (name, token) != ("false_token", None):
                raise InputError(
                    f"the module LogitScore of {_described(files)} has {name}_id {token!r}, which is no token",
                    f"set {name}_id in its config.json to the token that the model card names",
                )
            if isinstance(token, int) and isinstance(rows, int):
                check_in_vocabulary(files.name, name, token, rows)
        if isinstance(tokens["true_token"], int) and isinstance(tokens["false_token"], int):
            check_distinct(files.name, tokens["true_token"], tokens["false_token"])


def _no_form(files: ModelFiles) -> InputError:
    lacks = (
        "has no chat template"
        if files.chat_template is None
        else "has a chat template without the roles query and document"
    )
    if is_seq2seq(files):
        lacks = "is an encoder-decoder model, whose files do not say with which tokens it answers"
    if is_causal(files) and "LogitScore" not in files.modules:
        lacks = "has no module that says which tokens it answers with"
    return InputError(
        f"{_described(files)} {lacks}, and it is not a reranker whose input form is known: its scores would be wrong",
        _how(files),
    )


def _how(files: ModelFiles) -> str:
    """Return how a form is stated."""
    stated = f"{_stated_as(files)} as its model card says"
    names = [preset.name for preset in PRESETS if preset.fits(files)]
    return f"{stated}, or prompt: NAME for a model in the form of {_listed(names)}" if names else stated


def _stated_as(files: ModelFiles) -> str:
    """Return what to set for a template of the model's own."""
    answers = is_causal(files) or is_seq2seq(files)
    tokens = ", true_token: ..., false_token: ..." if answers else ""
    return f"set prompt: {{template: '... {{query}} ... {{document}} ...'{tokens}}}"


def _listed(names: Sequence[str]) -> str:
    return " or ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _described(files: ModelFiles) -> str:
    return f"the model {files.name!r} ({', '.join(files.architectures)})"

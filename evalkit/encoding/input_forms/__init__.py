"""Input forms: how the text of a pair is made for models that were trained with a template, and what they answer."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.encoding.input_forms.form import InputForm
    from evalkit.encoding.input_forms.form_tokeniser import FormTokeniser
    from evalkit.encoding.input_forms.heads import ClassifierHead, LayerHead, TokenHead
    from evalkit.encoding.input_forms.pair_scoring import Prompt, find_scoring, form_of, plain_pair_remark
    from evalkit.encoding.input_forms.preset import PairScoring, is_causal, is_seq2seq
    from evalkit.encoding.input_forms.presets import preset_named, preset_names
    from evalkit.encoding.input_forms.stated import PromptSettings

__all__ = [
    "ClassifierHead",
    "FormTokeniser",
    "InputForm",
    "LayerHead",
    "PairScoring",
    "Prompt",
    "PromptSettings",
    "TokenHead",
    "find_scoring",
    "form_of",
    "is_causal",
    "is_seq2seq",
    "plain_pair_remark",
    "preset_named",
    "preset_names",
]

__getattr__ = load_on_use(__name__)

"""Input forms: how the text of a pair is made for models that were trained with a template."""

from __future__ import annotations

from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.form_tokeniser import FormTokeniser

__all__ = ["FormTokeniser", "InputForm"]

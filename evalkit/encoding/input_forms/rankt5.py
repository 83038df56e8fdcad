"""RankT5: https://huggingface.co/Soyoung97/RankT5-base, and -large, -3b.

The score is the logit of an unused token at the first step of the decoder, as in
https://github.com/soyoung97/ListT5, to which the cards refer.
"""

from __future__ import annotations

import re

from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.heads import TokenHead
from evalkit.encoding.input_forms.preset import Preset

_NAME = "rankt5"

PRESET = Preset(
    name=_NAME,
    families=("T5", "MT5", "UMT5"),
    owners=("Soyoung97",),
    names=re.compile(r"rankt5(-(base|large|3b))?"),
    form=InputForm(_NAME, ("Query: {query} Document: {document}",), special_tokens=True),
    head=TokenHead("<extra_id_10>"),
)

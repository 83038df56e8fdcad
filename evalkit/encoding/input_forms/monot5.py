"""monoT5: https://huggingface.co/castorini/monot5-base-msmarco, and all others of castorini; InRanker.

The form and the tokens are those of PyGaggle, https://github.com/castorini/pygaggle, to which the cards refer. The
score is the logit of true minus that of false: its sigmoid is the probability that PyGaggle computes. A document that
is too long is cut before ``Relevant:``, as in RankLLM, which castorini uses now; PyGaggle cuts the end of the text.
"""

from __future__ import annotations

import re

from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.heads import TokenHead
from evalkit.encoding.input_forms.preset import Preset

_NAME = "monot5"

PRESET = Preset(
    name=_NAME,
    families=("T5", "MT5", "UMT5"),
    owners=("castorini", "unicamp-dl"),
    names=re.compile(
        r"monot5(-(small|base|large|3b)(-(med-)?msmarco(-10k|-100k)?)?)?|inranker(-(small|base|3b))?"
    ),
    form=InputForm(_NAME, ("Query: {query} Document: {document} Relevant:",), special_tokens=True),
    head=TokenHead("\u2581true", "\u2581false"),
)

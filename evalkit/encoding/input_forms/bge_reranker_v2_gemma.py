"""bge-reranker-v2-gemma: https://huggingface.co/BAAI/bge-reranker-v2-gemma.

The card joins the tokens of query, document and task, each tokenised apart; the query gets at most three quarters of
the room. The score is the logit of Yes. FlagEmbedding calls the task a prompt; here it is the instruction.
"""

from __future__ import annotations

import re

from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.heads import TokenHead
from evalkit.encoding.input_forms.preset import Preset

_NAME = "bge_reranker_v2_gemma"

PRESET = Preset(
    name=_NAME,
    families=("Gemma",),
    owners=("BAAI",),
    names=re.compile(r"bge-reranker-v2-gemma"),
    form=InputForm(
        _NAME,
        ("A: {query}", "\n", "B: {document}", "\n", "{instruction}"),
        begin="<bos>",
        instruction=(
            "Given a query A and a passage B, determine whether the passage contains an answer to the query"
            " by providing a prediction of either 'Yes' or 'No'."
        ),
        query_share=(3, 4),
        asks=True,
    ),
    head=TokenHead("Yes"),
)

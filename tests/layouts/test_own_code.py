"""Models with code of their own, as the makers of gte-multilingual and Jina publish theirs, trusted and not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.layout_checks import Pairs
from support.tiny_models import ONE_LABEL, SHORT, SMALL, put, seeded
from support.tiny_tokenizers import bert_tokenizer

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
FAMILY = "gte-multilingual-reranker (own code, own model_type)"
CODE = """
import torch
from torch import nn
from transformers import BertConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class NewConfig(BertConfig):
    model_type = "new"


class NewForSequenceClassification(PreTrainedModel):
    config_class = NewConfig

    def __init__(self, config):
        super().__init__(config)
        size = config.hidden_size
        self.words, self.places = nn.Embedding(config.vocab_size, size), nn.Embedding(512, size)
        self.classifier = nn.Linear(size, 1)
        self.register_buffer("position_ids", torch.arange(512), persistent=False)
        self.register_buffer("scale", 10000.0 ** (-torch.arange(size).float() / size), persistent=False)
        self.post_init()

    def _init_weights(self, module):
        pass

    def forward(self, input_ids=None, attention_mask=None, **kwargs):
        places = self.places(self.position_ids[: input_ids.shape[1]])
        hidden = torch.tanh(self.words(input_ids) + places * self.scale) * attention_mask.unsqueeze(-1)
        return SequenceClassifierOutput(logits=self.classifier(hidden.sum(1)))
"""


def make_new(folder: Path, config_base: str = "BertConfig") -> Any:
    """Save a model of a class of its own, and return it as its code builds it."""
    from safetensors.torch import save_file

    space: dict[str, Any] = {}
    code_text = CODE.replace("BertConfig", config_base)
    exec(compile(code_text, "modeling_new.py", "exec"), space)  # noqa: S102 - the code above
    put(folder, "modeling_new.py", code_text)
    vocabulary = bert_tokenizer(folder)
    sizes = {**SMALL, "vocab_size": vocabulary.size, "max_position_embeddings": 512}
    model = seeded(space["NewForSequenceClassification"](space["NewConfig"](**sizes, **ONE_LABEL)))
    save_file(dict(model.state_dict()), folder / "model.safetensors", metadata={"format": "pt"})
    name = "NewForSequenceClassification"
    code = {
        "AutoConfig": "modeling_new.NewConfig",
        "AutoModelForSequenceClassification": f"modeling_new.{name}",
    }
    config = {"architectures": [name], "auto_map": code, "model_type": "new"}
    put(folder, "config.json", {**config, **sizes, **ONE_LABEL})
    return model


@pytest.mark.parametrize("config_base", ["BertConfig", "PreTrainedConfig"])
def test_trusted_code_scores_as_it_does_by_itself(
    tmp_path: Path, check_layout: Callable[..., Any], config_base: str
) -> None:
    """Positions and scales that the code computes and does not save are not what the memory held.

    The configurations of some makers lack values that those of transformers have, such as the padding token.
    """
    model = make_new(tmp_path, config_base)

    def recipe(pairs: Pairs) -> Sequence[float]:
        """Return the logit of each pair."""
        import torch
        from transformers import BertTokenizer

        tokenizer = BertTokenizer.from_pretrained(tmp_path)
        with torch.no_grad():
            return [
                float(model(**tokenizer([query], [document], return_tensors="pt")).logits)
                for query, document in pairs
            ]

    check_layout(f"{FAMILY}, trusted, {config_base}", tmp_path, recipe, pairs=SHORT, trust_remote_code=True)


def test_untrusted_code_is_refused(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Its file is named, with its uses."""
    make_new(tmp_path)
    message = r"not trusted: modeling_new\.py \(AutoConfig, AutoModelForSequenceClassification\)$"
    check_refused(f"{FAMILY}, untrusted", tmp_path, message, hint="set trust_remote_code: true")

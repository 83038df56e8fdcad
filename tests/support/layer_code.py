"""A layerwise reranker with code of its own, laid out as bge-reranker-v2-minicpm-layerwise: a stand-in for its code.

The network is a Llama of four layers. From the second on, each layer has a head with one logit.
"""

from __future__ import annotations

from pathlib import Path

from support.tiny_models import SMALL, edit, put, save
from support.tiny_tokenizers import xlmr_tokenizer

FIRST, LAST = 2, 4
CONFIG_FILE, MODEL_FILE = "configuration_minicpm_reranker.py", "modeling_minicpm_reranker.py"
CONFIG_CODE = """
from transformers import LlamaConfig


class LayerWiseMiniCPMConfig(LlamaConfig):
    model_type = "minicpm"

    def __init__(self, start_layer=2, head_multi=True, head_type="simple", **more):
        super().__init__(**more)
        self.start_layer, self.head_multi, self.head_type = start_layer, head_multi, head_type
"""
MODEL_CODE = """
from torch import nn
from transformers import LlamaModel, LlamaPreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from .configuration_minicpm_reranker import LayerWiseMiniCPMConfig


class LayerWiseMiniCPMForCausalLM(LlamaPreTrainedModel):
    config_class = LayerWiseMiniCPMConfig

    def __init__(self, config):
        super().__init__(config)
        self.model = LlamaModel(config)
        heads = range(config.start_layer, config.num_hidden_layers + 1)
        self.lm_head = nn.ModuleList([nn.Linear(config.hidden_size, 1, bias=False) for _ in heads])
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, use_cache=None, return_dict=None, cutoff_layers=None):
        layers = cutoff_layers or [self.config.num_hidden_layers]
        found = self.model(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
        last = self.config.num_hidden_layers
        logits = ()
        for layer in layers:
            hidden = found.hidden_states[layer]
            hidden = hidden if layer == last else self.model.norm(hidden)
            head = self.lm_head[layer - self.config.start_layer]
            logits += (head(hidden).float().reshape(input_ids.shape[0], -1),)
        return CausalLMOutputWithPast(logits=logits)
"""


def make_layer_model(folder: Path, **config: object) -> Path:
    """Save a layerwise reranker with its code in two files; `config` replaces values of its ``config.json``."""
    vocabulary = xlmr_tokenizer(folder, 2048, tokenizer_class="PreTrainedTokenizerFast", padding_side="left")
    put(folder, CONFIG_FILE, CONFIG_CODE)
    put(folder, MODEL_FILE, MODEL_CODE)
    space: dict[str, type] = {}
    exec(CONFIG_CODE, space)  # noqa: S102 - the code above
    exec(MODEL_CODE.replace("from .configuration", "# from .configuration"), space)  # noqa: S102 - the code above
    ids = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, "vocab_size": vocabulary.size}
    sizes = {**SMALL, **ids, "num_hidden_layers": LAST, "max_position_embeddings": 2048}
    model = space["LayerWiseMiniCPMForCausalLM"](space["LayerWiseMiniCPMConfig"](start_layer=FIRST, **sizes))
    code = {
        "AutoConfig": f"{CONFIG_FILE.removesuffix('.py')}.LayerWiseMiniCPMConfig",
        "AutoModelForCausalLM": f"{MODEL_FILE.removesuffix('.py')}.LayerWiseMiniCPMForCausalLM",
    }
    save(folder, model)
    edit(folder, "config.json", auto_map=code, architectures=["LayerWiseMiniCPMForCausalLM"], **config)
    return folder

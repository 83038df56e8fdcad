"""Models whose output for an input depends on the rest of its batch: each input runs alone, or is cut."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.causal_recipes import token_recipe
from support.recipes import pair_recipe
from support.tiny_models import ONE_LABEL, SMALL, bert_config, qwen_sizes, save
from support.tiny_tokenizers import bert_tokenizer, qwen_tokenizer

from evalkit.errors import EvalkitWarning
from evalkit.rerankers import load_reranker

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
TEMPLATE = "Is it relevant?\nQ: {query}\nD: {document}\nA:"
PROMPT = {"template": TEMPLATE, "true_token": "yes", "false_token": "no"}
LENGTHS = (3, 20, 60, 90, 200)
"""Words of documents: within the original length of the models below, and beyond."""
LONG = [("what is the limit", "word " * words) for words in LENGTHS]
ORIGINAL = 64
"""Length at which the rotary frequencies of the models below change."""


def make_fnet(folder: Path) -> Path:
    """Save an FNet, which mixes tokens with a Fourier transform and has no attention mask."""
    from transformers import FNetConfig, FNetForSequenceClassification

    size = bert_tokenizer(folder).size
    sizes = {name: value for name, value in SMALL.items() if name != "num_attention_heads"}
    config = FNetConfig(**sizes, **ONE_LABEL, vocab_size=size, max_position_embeddings=512, type_vocab_size=2)
    return save(folder, FNetForSequenceClassification(config))


def make_convbert(folder: Path) -> Path:
    """Save a ConvBERT, whose convolutions read the neighbours of a token, padding among them."""
    from transformers import ConvBertConfig, ConvBertForSequenceClassification

    sizes = {**SMALL, "embedding_size": 32, "head_ratio": 2, "conv_kernel_size": 3}
    config = ConvBertConfig(**sizes, **ONE_LABEL, vocab_size=bert_tokenizer(folder).size)
    return save(folder, ConvBertForSequenceClassification(config))


def make_mobilebert(folder: Path) -> Path:
    """Save a MobileBERT, whose embedding of a token reads those of its neighbours, padding among them."""
    from transformers import MobileBertConfig, MobileBertForSequenceClassification

    sizes = {"embedding_size": 32, "intra_bottleneck_size": 32, "true_hidden_size": 32}
    base = {**bert_config(bert_tokenizer(folder)).to_dict(), **SMALL, **sizes, **ONE_LABEL}
    kept = {name: value for name, value in base.items() if name not in {"model_type", "architectures"}}
    return save(folder, MobileBertForSequenceClassification(MobileBertConfig(**kept)))


@pytest.mark.parametrize("make", [make_fnet, make_convbert, make_mobilebert], ids=lambda one: one.__name__)
def test_models_that_read_padding_score_one_input_at_a_time(
    tmp_path: Path, check_layout: Callable[..., Any], make: Callable[[Path], Path]
) -> None:
    """Whichever side has the padding: scores are those alone, with a warning, and there is no export."""
    folder = make(tmp_path / make.__name__.removeprefix("make_"))
    warns = "takes one input at a time, which is slow: outputs depend on the other inputs of a batch"
    recipe = pair_recipe(folder, 512)
    check_layout(f"{folder.name} (reads padding)", folder, recipe, exports="refused", warns=warns)
    check_layout(f"{folder.name}, batch_tokens: 1", folder, recipe, batch_tokens=1)


def make_longrope(folder: Path) -> Path:
    """Save a causal Phi-3 with other frequencies for batches longer than 64 tokens."""
    from transformers import Phi3Config, Phi3ForCausalLM

    factors = {"short_factor": [1.0] * 4, "long_factor": [4.0] * 4}
    rotary = {"rope_type": "longrope", "rope_theta": 10_000.0, **factors}
    sizes = qwen_sizes(qwen_tokenizer(folder, padding_side="left"), max_position_embeddings=512)
    del sizes["head_dim"]
    config = Phi3Config(**sizes, original_max_position_embeddings=ORIGINAL, rope_parameters=rotary)
    return save(folder, Phi3ForCausalLM(config))


def make_dynamic(folder: Path) -> Path:
    """Save a Llama classifier whose frequencies follow the longest input so far beyond 64 tokens."""
    from transformers import LlamaConfig, LlamaForSequenceClassification

    rotary = {"rope_type": "dynamic", "rope_theta": 10_000.0, "factor": 8.0}
    sizes = qwen_sizes(qwen_tokenizer(folder), max_position_embeddings=ORIGINAL, rope_parameters=rotary)
    return save(folder, LlamaForSequenceClassification(LlamaConfig(**sizes, **ONE_LABEL)))


def loaded(folder: Path, settings: dict[str, Any]) -> tuple[Any, str]:
    """Return the model with these settings, and what evalkit warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EvalkitWarning)
        reranker = load_reranker("cross_encoder", model=str(folder), device="cpu", threads=1, **settings)
    return reranker, "; ".join(str(one.message) for one in caught if one.category is EvalkitWarning)


CUT = "are cut to 64 tokens: beyond that, its rotary embeddings"
ALONE = "takes one input at a time, which is slow: beyond 64 tokens its rotary embeddings"


@pytest.mark.parametrize(
    ("make", "settings", "warning"),
    [
        (make_longrope, {"prompt": PROMPT}, CUT),
        (make_longrope, {"prompt": PROMPT, "max_length_tokens": 64}, ""),
        (make_longrope, {"prompt": PROMPT, "max_length_tokens": 512}, ALONE),
        (make_dynamic, {}, ""),  # sentence-transformers cuts to the positions of the configuration
        (make_dynamic, {"max_length_tokens": 64}, ""),
    ],
    ids=["longrope", "longrope-64", "longrope-512", "dynamic", "dynamic-64"],
)
def test_a_score_is_the_same_alone_in_any_batch_and_after_any_other(
    tmp_path: Path, make: Callable[[Path], Path], settings: dict[str, Any], warning: str
) -> None:
    """Inputs are cut to the length beyond which frequencies depend on others, or run alone, with a warning."""
    folder = make(tmp_path / make.__name__)
    reranker, warned = loaded(folder, settings)
    assert [one for one in (CUT, ALONE) if one in warned] == [warning] * bool(warning)
    together = np.asarray(reranker.score_pairs(LONG))
    after = [float(reranker.score_pairs([pair])[0]) for pair in LONG]
    fresh = [float(loaded(folder, settings)[0].score_pairs([pair])[0]) for pair in LONG]
    assert together == pytest.approx(fresh, abs=1e-5)
    assert after == pytest.approx(fresh, abs=1e-5)
    assert np.ptp(together) > 1e-3, "all pairs have the same score"


def test_longrope_beyond_its_original_length_scores_as_alone(
    tmp_path: Path, check_layout: Callable[..., Any]
) -> None:
    """With a larger limit configured, long inputs have the long frequencies, and short ones the short."""
    folder = make_longrope(tmp_path / "Phi-3-mini-128k-instruct")

    def build(tokenizer: Any, query: str, document: str) -> list[int]:
        """Return the tokens of a pair."""
        text = TEMPLATE.replace("{query}", query).replace("{document}", document)
        return list(tokenizer(text)["input_ids"])

    check_layout(
        "Phi-3 (longrope), max_length_tokens: 512",
        folder,
        token_recipe(folder, build, "yes", "no"),
        pairs=LONG,
        warns=ALONE,
        exports="refused",
        prompt=PROMPT,
        max_length_tokens=512,
    )


def test_a_dynamic_model_beyond_its_original_length_is_refused(
    tmp_path: Path, check_refused: Callable[..., Any]
) -> None:
    """Its scores would depend on what ran before, even one at a time."""
    folder = make_dynamic(tmp_path / "dynamic")
    message = "max_length_tokens is 128, and beyond 64 tokens the rotary embeddings"
    options = {"hint": "at most 64", "max_length_tokens": 128, "batch_tokens": 1}
    check_refused("Llama (dynamic NTK), max_length_tokens: 128", folder, message, **options)

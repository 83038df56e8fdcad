"""Tokenizers, padding and limits, laid out as repositories have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.layout_checks import Pairs, Recipe
from support.recipes import pair_recipe
from support.tiny_models import (
    ONE_LABEL,
    SHORT,
    bert_config,
    deberta_config,
    edit,
    qwen_sizes,
    roberta_config,
    save,
    xlmr_config,
)
from support.tiny_tokenizers import (
    bert_tokenizer,
    deberta_tokenizer,
    qwen_tokenizer,
    roberta_tokenizer,
    xlmr_tokenizer,
)

from evalkit.rerankers import load_reranker

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]


def make_xlmr(folder: Path, most: int | None = 512, **config: Any) -> Path:
    """Save an XLM-RoBERTa that scores pairs; `config` changes its ``tokenizer_config.json``."""
    from transformers import XLMRobertaForSequenceClassification

    vocabulary = xlmr_tokenizer(folder, most, **config)
    return save(folder, XLMRobertaForSequenceClassification(xlmr_config(vocabulary, num_labels=1)))


def make_bert(folder: Path, **config: Any) -> Path:
    """Save a BERT that scores pairs; `config` changes its ``tokenizer_config.json``."""
    from transformers import BertForSequenceClassification

    return save(
        folder, BertForSequenceClassification(bert_config(bert_tokenizer(folder, **config), **ONE_LABEL))
    )


def file_recipe(folder: Path, most: int = 512) -> Recipe:
    """Return the recipe that reads ``tokenizer.json`` itself, as transformers 4 does."""

    def scores(pairs: Pairs) -> list[float]:
        """Return the logit of each pair."""
        import torch
        from tokenizers import Tokenizer
        from transformers import AutoModelForSequenceClassification

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(most)
        model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
        with torch.no_grad():
            rows = [tokenizer.encode(query, document).ids for query, document in pairs]
            return [float(model(input_ids=torch.tensor([row])).logits[0, 0]) for row in rows]

    return scores


REBUILT = {
    "no prefix space in its configuration (polish-reranker)": {"add_prefix_space": False},
    "RobertaTokenizer over a Unigram file (mmlw)": {"tokenizer_class": "RobertaTokenizer"},
}


@pytest.mark.parametrize("name", REBUILT)
def test_the_file_decides_where_transformers_builds_another_tokenizer(
    tmp_path: Path, check_layout: Callable[..., Any], name: str
) -> None:
    """Scores are those of ``tokenizer.json``, on ONNX too, and a warning names the class that differs."""
    folder = make_xlmr(tmp_path, **REBUILT[name])
    check_layout(
        f"XLM-R, {name}", folder, file_recipe(folder), exports="score", warns=r"follows its tokenizer\.json"
    )


@pytest.mark.parametrize(
    "name", ["XLMRobertaTokenizer", "XLMRobertaTokenizerFast", "PreTrainedTokenizerFast", None]
)
def test_every_name_of_the_class_scores_the_same(
    tmp_path: Path, check_layout: Callable[..., Any], name: str | None
) -> None:
    """Each name of version 4, and none, is that of the file: no warning."""
    folder = make_xlmr(tmp_path)
    edit(folder, "tokenizer_config.json", tokenizer_class=... if name is None else name)
    check_layout(f"XLM-R, tokenizer_class: {name}", folder, file_recipe(folder))


def test_letter_case_of_the_configuration(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """BERT's configuration has always overridden the letter case of the file: it is kept, with a warning."""
    folder = make_bert(tmp_path)
    step = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None}
    edit(folder, "tokenizer.json", normalizer={**step, "lowercase": False})
    check_layout("BERT, cased file, do_lower_case: true", folder, pair_recipe(folder, 512), warns="overrides")


def test_first_space_of_the_configuration(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """RoBERTa's configuration has always overridden the first space of the file."""
    from transformers import RobertaForSequenceClassification

    vocabulary = roberta_tokenizer(tmp_path)
    step = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    edit(tmp_path, "tokenizer.json", pre_tokenizer=step)
    save(tmp_path, RobertaForSequenceClassification(roberta_config(vocabulary, **ONE_LABEL)))
    check_layout("RoBERTa, file adds a prefix space", tmp_path, pair_recipe(tmp_path, 512), warns="overrides")


def test_steps_that_the_file_lacks(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """A file of DeBERTa's class without its normaliser is not one that the class wrote: its steps are added."""
    from transformers import DebertaV2ForSequenceClassification

    vocabulary = deberta_tokenizer(tmp_path)
    edit(tmp_path, "tokenizer.json", normalizer=None)
    save(tmp_path, DebertaV2ForSequenceClassification(deberta_config(vocabulary, num_labels=1)))
    check_layout(
        "DeBERTa-v2, file without a normaliser", tmp_path, pair_recipe(tmp_path, 512), warns="lacks steps"
    )


def test_special_tokens_that_are_split(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """With ``split_special_tokens: true`` a separator that is written in a text is a word like others."""
    folder = make_bert(tmp_path, split_special_tokens=True)
    check_layout("BERT, split_special_tokens: true", folder, pair_recipe(folder, 512), exports="score")


def test_left_padding_and_absolute_positions(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """A BERT whose tokenizer pads on the left scores in batches as it does alone; texts are cut on the left."""
    folder = make_bert(tmp_path, padding_side="left", truncation_side="left")
    check_layout(
        "BERT, padding_side and truncation_side: left", folder, pair_recipe(folder, 512), exports="score"
    )


@pytest.mark.filterwarnings("ignore::evalkit.errors.EvalkitWarning")
@pytest.mark.parametrize("pads", ["left", "right", "never"])
def test_a_causal_classifier_pads_on_either_side(tmp_path: Path, pads: str) -> None:
    """A decoder with a head reads its last token wherever the padding is; without a padding token, one at a time."""
    from transformers import Qwen3Config, Qwen3ForSequenceClassification

    vocabulary = qwen_tokenizer(tmp_path, padding_side="left" if pads == "left" else "right")
    config = Qwen3Config(**qwen_sizes(vocabulary), num_labels=1)
    save(tmp_path, Qwen3ForSequenceClassification(config))
    if pads == "never":
        edit(tmp_path, "config.json", pad_token_id=...)
    reranker: Any = load_reranker("cross_encoder", model=str(tmp_path), device="cpu", threads=1)
    wanted = pair_recipe(tmp_path, 4096)(SHORT)
    assert reranker.score_pairs(list(SHORT)) == pytest.approx(np.array(wanted), abs=1e-5)


def test_positions_of_roberta_are_the_limit(
    tmp_path: Path, check_layout: Callable[..., Any], check_refused: Callable[..., Any]
) -> None:
    """Without ``model_max_length``, a network of 514 positions reads 512 tokens; a larger limit is refused."""
    folder = make_xlmr(tmp_path, None)
    check_layout("XLM-R, no model_max_length", folder, pair_recipe(folder, 512), exports="score")
    check_refused(
        "XLM-R, max_length_tokens: 513", folder, "513.* 512", hint="at most 512", max_length_tokens=513
    )


def test_scores_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    """Each pair scores alone as among others, whatever side the tokenizer pads on."""
    folder = make_bert(tmp_path, padding_side="left")
    reranker: Any = load_reranker("cross_encoder", model=str(folder), device="cpu", threads=1)
    together = reranker.score_pairs(list(SHORT))
    alone = np.concatenate([reranker.score_pairs([pair]) for pair in SHORT])
    assert together == pytest.approx(alone, abs=1e-5)

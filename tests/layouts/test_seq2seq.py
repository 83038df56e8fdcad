"""Sequence-to-sequence rerankers (monoT5, mT5, rankT5) and classifiers (T5, BART), laid out as their repositories."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.layout_checks import Pairs, Recipe
from support.recipes import pair_recipe
from support.tiny_models import ONE_LABEL, PAIRS, SHORT, edit, put, save, seeded
from support.tiny_tokenizers import Vocabulary, roberta_tokenizer, t5_tokenizer
from support.weights import change_weights

from evalkit.encoding.input_forms.presets import PRESETS
from evalkit.rerankers import load_reranker

torch = pytest.importorskip("torch", reason="needs the local extra")
transformers = pytest.importorskip("transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]


def t5_sizes(size: int, **config: Any) -> dict[str, Any]:
    """Return the sizes of a small T5 with a vocabulary of `size` tokens."""
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "vocab_size": size}
    ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    return {**sizes, **ids, **config}


def test_t5_classifier(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """A classifier of T5 scores texts with ``</s>`` in them, which have more end tokens than others of the batch."""
    from transformers import T5Config, T5ForSequenceClassification

    vocabulary = t5_tokenizer(tmp_path)
    save(tmp_path, T5ForSequenceClassification(T5Config(**t5_sizes(vocabulary.size), **ONE_LABEL)))
    check_layout("T5ForSequenceClassification", tmp_path, pair_recipe(tmp_path, 512), exports="refused")


def test_bart_classifier(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """A classifier of BART with three labels scores texts with ``</s>`` in them."""
    from transformers import BartConfig, BartForSequenceClassification

    vocabulary = roberta_tokenizer(tmp_path)
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2}
    layers = {
        f"{part}_{name}": n
        for part in ("encoder", "decoder")
        for name, n in (("layers", 2), ("attention_heads", 4), ("ffn_dim", 64))
    }
    names = {0: "contradiction", 1: "neutral", 2: "entailment"}
    config = BartConfig(
        d_model=32,
        vocab_size=vocabulary.size,
        max_position_embeddings=512,
        **ids,
        **layers,
        id2label=names,
        num_labels=3,
    )
    save(tmp_path, BartForSequenceClassification(config))
    recipe = pair_recipe(tmp_path, 512, 2)
    check_layout(
        "bart-large-mnli (BART, 3 labels), label: entailment",
        tmp_path,
        recipe,
        exports="refused",
        label="entailment",
    )


MONO = "Query: {query} Document: {document} Relevant:"
ANSWERS = (
    "\u2581true",
    "\u2581false",
    "\u2581yes",
    "\u2581no",
    "\u2581sim",
    "\u2581n\u00e3o",
    "<extra_id_10>",
)
PROMPT = {"template": "{query} or {document}?", "true_token": "\u2581yes", "false_token": "\u2581no"}


def answering_tokenizer(folder: Path, **config: Any) -> Vocabulary:
    """Write a tokenizer of T5 that has the words with which rerankers answer."""
    vocabulary = t5_tokenizer(folder, **config)
    file = folder / "tokenizer.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    lacking = [token for token in ANSWERS if token not in vocabulary.ids]
    content["model"]["vocab"] += [[token, -9.0] for token in lacking if not token.startswith("<")]
    size = len(content["model"]["vocab"])
    extra = {"id": size, "content": "<extra_id_10>", "special": True, "normalized": False}
    content["added_tokens"].append({**extra, "single_word": False, "lstrip": False, "rstrip": False})
    put(folder, "tokenizer.json", content)
    words = {token: number for number, (token, _) in enumerate(content["model"]["vocab"])}
    return Vocabulary({**words, "<extra_id_10>": size})


def make_seq2seq(folder: Path, family: str = "T5", **config: Any) -> Path:
    """Save an encoder-decoder of a family, such as T5, MT5 or UMT5."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = answering_tokenizer(folder, **config)
    sizes = getattr(transformers, f"{family}Config")(**t5_sizes(vocabulary.size), tie_word_embeddings=False)
    model = seeded(getattr(transformers, f"{family}ForConditionalGeneration")(sizes))
    with (
        torch.no_grad()
    ):  # as T5 is trained: attention is not scaled, so that the weights of queries are small
        for name, weight in model.named_parameters():
            weight.mul_({"q": sizes.d_kv**-0.5, "lm_head": 4}.get(name.split(".")[-2], 1))
    model.save_pretrained(folder)
    return folder


def step_recipe(folder: Path, template: str, true: str, false: str | None = None, most: int = 512) -> Recipe:
    """Return the recipe of the cards: generate one token, and read the logits that it was chosen by.

    The tail of the template stays where a pair is too long: the document is shortened first, then the query.
    """

    def scores(pairs: Pairs) -> list[float]:
        """Return the score of each pair."""
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
        ids = tokenizer.convert_tokens_to_ids([true, *([false] if false else [])])
        found = []
        for query, document in pairs:
            fed = tokenizer(template.format(query=query, document=document), return_tensors="pt")
            assert fed["input_ids"].shape[1] <= most, "the recipe does not cut"
            generated = model.generate(
                **fed, max_new_tokens=1, do_sample=False, return_dict_in_generate=True, output_logits=True
            )
            row = generated.logits[0][0].double()
            found.append(float(row[ids[0]] - (row[ids[1]] if false else 0)))
        return found

    return scores


@pytest.mark.parametrize(
    ("name", "family", "template", "true", "false"),
    [
        ("monot5-base-msmarco", "T5", MONO, *ANSWERS[:2]),
        ("InRanker-base", "T5", MONO, *ANSWERS[:2]),
        ("mt5-base-mmarco-v2", "MT5", MONO, *ANSWERS[2:4]),
        ("mt5-base-en-msmarco", "MT5", MONO, *ANSWERS[2:4]),
        ("ptt5-base-pt-msmarco-100k-v2", "T5", MONO, *ANSWERS[4:6]),
        ("RankT5-base", "T5", MONO.removesuffix(" Relevant:"), ANSWERS[6], None),
    ],
)
def test_known_forms(
    tmp_path: Path,
    check_layout: Callable[..., Any],
    name: str,
    family: str,
    template: str,
    true: str,
    false: str | None,
) -> None:
    """A known model scores as its card generates: in its form, with its tokens, by its name alone."""
    folder = make_seq2seq(tmp_path / name, family)
    recipe = step_recipe(folder, template, true, false)
    exports = "score" if name in {"monot5-base-msmarco", "mt5-base-mmarco-v2", "RankT5-base"} else None
    check_layout(f"{name} ({family}ForConditionalGeneration)", folder, recipe, pairs=SHORT, exports=exports)


def test_a_long_pair_keeps_the_end_of_its_form(tmp_path: Path) -> None:
    """A document that is too long is cut so that the input ends with the form's last words and the end token."""
    folder = make_seq2seq(tmp_path / "monot5-base-msmarco")
    reranker: Any = load_reranker("cross_encoder", model=str(folder), device="cpu")
    tokens = reranker._engine.tokeniser(list(PAIRS))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tail = tokenizer("Relevant:")["input_ids"]
    assert all(ids[-len(tail) :].tolist() == tail for ids in tokens.ids)
    assert max(tokens.lengths) == 512
    assert tokens.truncated.tolist() == [False] * len(SHORT) + [True] * (len(PAIRS) - len(SHORT))


def test_an_mt5_without_a_limit_reads_512_tokens(tmp_path: Path) -> None:
    """Where the files state no limit, that of the recipes holds."""
    folder = make_seq2seq(tmp_path / "mt5-base-mmarco-v2", "MT5", most=None)
    reranker = load_reranker("cross_encoder", model=str(folder), device="cpu")
    assert reranker.facts()["max_length_tokens"] == 512  # type: ignore[attr-defined]


def test_a_stated_form(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """A model without a known name scores in the form that the configuration states, by name or in full."""
    folder = make_seq2seq(tmp_path / "my-reranker", "UMT5")
    recipe = step_recipe(folder, "{query} or {document}?", *ANSWERS[2:4])
    check_layout("encoder-decoder with prompt: {template, ...}", folder, recipe, pairs=SHORT, prompt=PROMPT)
    recipe = step_recipe(folder, MONO, *ANSWERS[:2])
    check_layout("encoder-decoder with prompt: monot5", folder, recipe, pairs=SHORT, prompt="monot5")


def test_forms_of_unknown_models_are_not_guessed(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """An encoder-decoder of no known reranker is refused: the message names its kind, the hint the setting."""
    folder = make_seq2seq(tmp_path / "flan-t5-base")
    check_refused("flan-t5 (no reranker)", folder, "is an encoder-decoder model", hint="prompt:.*true_token")


@pytest.mark.parametrize(("name", "kind"), [("duot5-base-msmarco", "pairwise"), ("ListT5-base", "listwise")])
def test_models_that_compare_documents(
    tmp_path: Path, check_refused: Callable[..., Any], name: str, kind: str
) -> None:
    """A model that compares documents with each other is refused by its kind."""
    message = f"is a {kind} reranker .* cannot score single pairs"
    check_refused(name, make_seq2seq(tmp_path / name), message, hint="monoT5")


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ({**PROMPT, "true_token": "unlikelytokens"}, "true_token"),
        ({"template": PROMPT["template"]}, "no true_token"),
        ({**PROMPT, "false_token": " yes"}, "the same token"),
    ],
)
def test_tokens_that_cannot_answer(
    tmp_path: Path, check_refused: Callable[..., Any], prompt: dict[str, str], message: str
) -> None:
    """Tokens that are unknown, missing or equal are refused."""
    check_refused(f"encoder-decoder, {message}", make_seq2seq(tmp_path), message, prompt=prompt)


def test_an_encoder_without_the_head_that_scores(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """An encoder of RankT5 alone has no head: it is refused by its kind."""
    vocabulary = t5_tokenizer(tmp_path)
    save(tmp_path, transformers.T5EncoderModel(transformers.T5Config(**t5_sizes(vocabulary.size))))
    check_refused("rankT5 as T5EncoderModel", tmp_path, r"encoder without a head \(T5EncoderModel\)")


def test_missing_weights(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """An encoder-decoder without a layer of its decoder is refused."""
    folder = make_seq2seq(tmp_path / "monot5-base")
    change_weights(folder, lambda name: None if name.startswith("decoder.block.1.") else name)
    check_refused("monoT5, weights missing", folder, "lacks weights of T5ForConditionalGeneration")


def test_a_decoder_without_a_first_token(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """A decoder that nothing says how to start is refused."""
    folder = make_seq2seq(tmp_path / "monot5-base")
    edit(folder, "config.json", decoder_start_token_id=None, pad_token_id=None)
    check_refused("monoT5, no token to start with", folder, "neither decoder_start_token_id nor pad_token_id")


def test_names_of_encoder_decoders_exclude_each_other() -> None:
    """A name belongs to one form at most."""
    for name in (
        "monot5-3b-med-msmarco",
        "mt5-base-mmarco-v1",
        "ptt5-base-en-pt-msmarco-10k-v1",
        "RankT5-3b",
    ):
        assert len([preset for preset in PRESETS if preset.is_named(name)]) == 1, name
    assert not [preset for preset in PRESETS if preset.is_named("monoptt5-base")]

"""How the cards of rerankers that are trained with a template score pairs, written with transformers alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from support.layout_checks import Pairs, Recipe

Build = Callable[[Any, str, str], Sequence[int]]
"""From a tokenizer, a query and a document to the tokens that the card feeds."""

QWEN3_BEFORE = (
    "<|im_start|>system\n"
    "Judge whether the Document meets the requirements based on the Query and the Instruct provided."
    ' Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
)
QWEN3_AFTER = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
QWEN3_TASK = "Given a web search query, retrieve relevant passages that answer the query"
MXBAI_BEFORE = (
    "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
    "<|im_start|>user\n"
)
MXBAI_TASK = (
    "You are a search relevance expert who evaluates how well documents match search queries. For each query-document"
    " pair, carefully analyze the semantic relationship between them, then provide your binary relevance judgment"
    " (0 for not relevant, 1 for relevant).\nRelevance:"
)
MXBAI_AFTER = "<|im_end|>\n<|im_start|>assistant\n"
GEMMA_TASK = (
    "Given a query A and a passage B, determine whether the passage contains an answer to the query by providing a"
    " prediction of either 'Yes' or 'No'."
)


def token_recipe(folder: Path, build: Build, true: str | int, false: str | None = None) -> Recipe:
    """Return a recipe that reads the logit of one token at the last position, less that of another one.

    Parameters
    ----------
    folder
        The model's folder.
    build
        Makes the tokens of a pair.
    true, false
        Texts of the tokens, or the number of one; None for no second one.
    """

    def scores(pairs: Pairs) -> list[float]:
        """Return the score of each pair."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        true_id = true if isinstance(true, int) else plain(tokenizer, true)[0]
        false_id = None if false is None else plain(tokenizer, false)[0]
        found = []
        with torch.no_grad():
            for query, document in pairs:
                last = model(input_ids=torch.tensor([list(build(tokenizer, query, document))])).logits[0, -1]
                found.append(float(last[true_id] - (0 if false_id is None else last[false_id])))
        return found

    return scores


def classifier_recipe(folder: Path, build: Build, **options: Any) -> Recipe:
    """Return a recipe that reads the only logit of a sequence classifier, loaded with these options."""

    def scores(pairs: Pairs) -> list[float]:
        """Return the score of each pair."""
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        load = AutoModelForSequenceClassification.from_pretrained
        model = load(folder, dtype=torch.float32, **options).eval()
        with torch.no_grad():
            fed = (torch.tensor([list(build(tokenizer, *pair))]) for pair in pairs)
            return [float(model(input_ids=ids).logits[0, 0]) for ids in fed]

    return scores


def plain(tokenizer: Any, text: str, most: int | None = None) -> list[int]:
    """Return the tokens of a text without special tokens, cut at the end."""
    cut = {} if most is None else {"truncation": True, "max_length": most}
    return list(tokenizer(text, add_special_tokens=False, **cut)["input_ids"])


def qwen3(task: str = QWEN3_TASK, most: int = 8192) -> Build:
    """Return what the card of Qwen3-Reranker feeds: only the text between begin and end is cut."""

    def build(tokenizer: Any, query: str, document: str) -> list[int]:
        """Return the tokens of a pair."""
        before, after = plain(tokenizer, QWEN3_BEFORE), plain(tokenizer, QWEN3_AFTER)
        text = f"<Instruct>: {task}\n<Query>: {query}\n<Document>: {document}"
        return before + plain(tokenizer, text, most - len(before) - len(after)) + after

    return build


def qwen3_pair(tokenizer: Any, query: str, document: str) -> list[int]:
    """Return what the card of Qwen3-Reranker's conversion to a classifier feeds: a pair of templates."""
    first = f"{QWEN3_BEFORE}<Instruct>: {QWEN3_TASK}\n<Query>: {query}\n"
    return list(tokenizer([first], [f"<Document>: {document}{QWEN3_AFTER}"])["input_ids"][0])


def mxbai(instruction: str | None = None, most: int = 8192) -> Build:
    """Return what the makers' package feeds to mxbai-rerank-v2; `most` counts query, line break and document."""

    def build(tokenizer: Any, query: str, document: str) -> list[int]:
        """Return the tokens of a pair."""
        said = "" if instruction is None else f"instruction: {instruction}\n"
        first = plain(tokenizer, f"{said}query: {query}", most * 3 // 4)
        second = plain(tokenizer, "\n") + plain(tokenizer, f"document: {document}")
        return (
            plain(tokenizer, MXBAI_BEFORE)
            + first
            + second[: most - len(first)]
            + plain(tokenizer, "\n")
            + plain(tokenizer, MXBAI_TASK)
            + plain(tokenizer, MXBAI_AFTER)
        )

    return build


def gemma(task: str = GEMMA_TASK, most: int = 8192) -> Build:
    """Return what the card of bge-reranker-v2-gemma feeds; `most` counts begin, query, line break and passage."""

    def build(tokenizer: Any, query: str, document: str) -> list[int]:
        """Return the tokens of a pair."""
        first = [tokenizer.bos_token_id, *plain(tokenizer, f"A: {query}", most * 3 // 4)]
        second = plain(tokenizer, "\n") + plain(tokenizer, f"B: {document}", most)
        return first + second[: most - len(first)] + plain(tokenizer, "\n") + plain(tokenizer, task)

    return build


def zerank(tokenizer: Any, query: str, document: str) -> list[int]:
    """Return what the code of zerank feeds: its chat template, written out."""
    return plain(
        tokenizer,
        f"<|im_start|>system\n{query.strip()}<|im_end|>\n<|im_start|>user\n{document.strip()}<|im_end|>\n"
        "<|im_start|>assistant\n",
    )


def ctxl(instruction: str = "") -> Build:
    """Return what the card of ctxl-rerank-v2 feeds."""

    def build(tokenizer: Any, query: str, document: str) -> list[int]:
        """Return the tokens of a pair."""
        said = f" {instruction}" if instruction else ""
        task = "Check whether a given document contains information helpful to answer the query."
        return list(tokenizer(f"{task}\n<Document> {document}\n<Query> {query}{said} ??")["input_ids"])

    return build


def nemotron(most: int = 4096) -> Build:
    """Return what the card of llama-nemotron-rerank feeds."""

    def build(tokenizer: Any, query: str, document: str) -> list[int]:
        """Return the tokens of a pair."""
        text = f"question:{query} \n \n passage:{document}"
        return list(tokenizer(text, truncation=True, max_length=most)["input_ids"])

    return build

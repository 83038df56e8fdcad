"""Small vocabularies made from the bundled demo collection, once per process, and the same in every process.

Byte pairs are trained. The library's trainers of the WordPiece and Unigram kinds give another vocabulary in every
process, so these two are made of the most frequent words and pieces.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from evalkit.datasets.demo import FOLDER

UNKNOWN = "<unk>"
BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen2 and Qwen3 split texts before they look for byte pairs."""
SPACE = "\u2581"
WHOLE_WORDS = (
    "yes",
    "no",
    "Yes",
    "No",
    "true",
    "false",
    "1",
    "0",
    "query",
    "document",
    "system",
    "user",
    "assistant",
)
"""Words that get a token of their own in vocabularies of byte pairs."""


def demo_texts() -> Iterator[str]:
    """Yield the documents and queries of the demo collection, and words that templates use."""
    for name in ("corpus", "queries"):
        for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield f"{row.get('title', '')} {row['text']}"
    for word in WHOLE_WORDS:
        yield from [word, f" {word}", f"{word} {word}"] * 40


def _words(*, lower: bool) -> Counter[str]:
    """Return how often the demo collection has each word and each mark."""
    texts = (text.lower() if lower else text for text in demo_texts())
    return Counter(word for text in texts for word in re.findall(r"\w+|[^\w\s]", text))


def _frequent(counted: Counter[str], most: int) -> list[str]:
    """Return the most frequent ones, of equally frequent ones the first in the alphabet: always the same."""
    return sorted(counted, key=lambda one: (-counted[one], one))[:most]


def template_step(tokenizer: Any, single: str, pair: str) -> Any:
    """Return the step that puts special tokens around one text or two."""
    from tokenizers import processors

    words = {part.partition(":")[0] for part in f"{single} {pair}".split()} - {"$A", "$B"}
    ids = [(word, tokenizer.token_to_id(word)) for word in sorted(words)]
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=ids)


@cache
def wordpiece() -> str:
    """Return an uncased tokenizer of the WordPiece kind, with four unused tokens."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    words = _words(lower=True)
    endings: Counter[str] = Counter()
    for word, count in words.items():
        endings.update({f"##{word[place:]}": count for place in range(1, len(word))})
    letters = sorted({letter for word in words for letter in word})
    tokens = [
        *BERT,
        *(f"[unused{number}]" for number in range(4)),
        *letters,
        *(f"##{one}" for one in letters),
    ]
    tokens = dict.fromkeys([*tokens, *_frequent(words, 500), *_frequent(endings, 300)])
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=BERT[1]))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(list(BERT))
    tokenizer.post_processor = template_step(
        tokenizer, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1"
    )
    return str(tokenizer.to_str())


@cache
def byte_pairs(specials: Sequence[str], steps: str) -> str:
    """Return a tokenizer of byte pairs; the steps before them are plain, nfc, qwen or llama (as qwen, without NFC)."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if steps in {"qwen", "llama"}:
        split = pre_tokenizers.Split(Regex(QWEN_SPLIT), behavior="isolated")
        bytes_alone = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_alone])
    if steps in {"nfc", "qwen"}:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1200,
        special_tokens=list(specials),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(demo_texts(), trainer)
    return str(tokenizer.to_str())


def _pieces(*, lower: bool) -> list[tuple[str, float]]:
    """Return letters, frequent parts of words and frequent words, each with the logarithm of its share."""
    words = _words(lower=lower)
    whole = Counter({f"{SPACE}{word}": count for word, count in words.items() if word.isalnum()})
    parts, letters = Counter[str](), Counter({SPACE: sum(words.values())})
    for word, count in words.items():
        parts.update({word[place : place + 3]: count for place in range(len(word) - 2)})
        letters.update({letter: count * word.count(letter) for letter in set(word)})
    pieces = {**{one: parts[one] for one in _frequent(parts, 250)}, **letters}
    pieces |= {one: whole[one] for one in _frequent(whole, 500)}
    total = sum(pieces.values())
    return [(one, math.log(count / total)) for one, count in sorted(pieces.items())]


@cache
def unigram(specials: Sequence[str], steps: str) -> str:
    """Return a tokenizer of the Unigram kind; the steps before it are words, deberta or albert."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    unknown = specials.index("<unk>" if "<unk>" in specials else "[UNK]")
    tokenizer = Tokenizer(
        models.Unigram([*((one, 0.0) for one in specials), *_pieces(lower=steps == "albert")], unk_id=unknown)
    )
    spaces = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), spaces])
    if steps == "deberta":
        one_space = normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " ")
        cleaned = [one_space, normalizers.NFC(), normalizers.Strip(left=False, right=True)]
        tokenizer.normalizer = normalizers.Sequence(cleaned)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([spaces])
    if steps == "albert":
        quotes = [normalizers.Replace(quote, '"') for quote in ("``", "''")]
        plain = [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
        tokenizer.normalizer = normalizers.Sequence([*quotes, *plain])
    tokenizer.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.add_special_tokens(list(specials))
    return str(tokenizer.to_str())


@cache
def gemma() -> str:
    """Return a tokenizer of character pairs that has a token for every byte."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    single = [f"<0x{number:02X}>" for number in range(256)]
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN, fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *single]
    trainer = trainers.BpeTrainer(
        vocab_size=1400, special_tokens=specials, max_token_length=16, show_progress=False
    )
    # Gemma's merges never cross a space's beginning: texts are cut so for the training alone.
    cut = (word for text in demo_texts() for word in text.replace(" ", f"\0{SPACE}").split("\0"))
    tokenizer.train_from_iterator(cut, trainer)
    return _without_added(tokenizer, single)


def _without_added(tokenizer: Any, tokens: Sequence[str]) -> str:
    """Return a tokenizer in which these are tokens like others: the trainer takes a wanted token as a special one."""
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [one for one in data["added_tokens"] if one["content"] not in tokens]
    return json.dumps(data)

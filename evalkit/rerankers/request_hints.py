"""Hints at the keys and the texts of a request, from the refusal of a call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from evalkit.dialects import Dialect
from evalkit.dialects.refusal_causes import cause_in_words
from evalkit.dialects.shape import dig, split_path
from evalkit.rerankers.failure_evidence import Evidence, listed
from evalkit.rerankers.reply_shapes import open_dialects, sent_texts

_MISSING = re.compile(
    r"missing|required|must (not be null|be given|be set|be provided|be present|be specified|have|contain|include)"
    r"|not (given|provided|specified)|absent|expected|need",
    re.IGNORECASE,
)
_OUT_OF_RANGE = re.compile(r"must be|positive|greater than|at least|between|out of range", re.IGNORECASE)
"""What servers that read an absent number as 0 say of it."""
_TOP_KEYS = ("top_n", "top_k", "topN", "topK")
_UNKNOWN = re.compile(
    r"unknown|unexpected|extra|not permitted|not allowed|additional propert|there is no"
    r"|no (such )?(field|parameter|key)|unrecogni[sz]ed|not (a )?(supported|valid|known)|unsupported|cannot find field",
    re.IGNORECASE,
)  # fmt: skip


def top_n_required(evidence: Evidence) -> str | None:
    """Name the setting that sends the number of results, if the server requires it."""
    says = _MISSING.search(evidence.sentence) or _OUT_OF_RANGE.search(evidence.sentence)
    if not _refused(evidence) or not says:
        return None
    own = _last_key(evidence.dialect.shape.top_n) or ""
    keys = dict.fromkeys(filter(None, (own, *_TOP_KEYS)))
    named = next((key for key in keys if _names(evidence.sentence, key)), None)
    if named is None or named in evidence.sent_keys or named in evidence.options:
        return None
    if named == own and evidence.wire.top_n is not None:
        return None
    if named == own:
        return f"set send_top_n: true, which sends the number of documents as {named}"
    return f"set options: {{{named}: N}}, with N at least the number of documents of a request"


def missing_key(evidence: Evidence) -> str | None:
    """Name the dialects that send a key which the server misses."""
    if not _refused(evidence) or not _MISSING.search(evidence.sentence):
        return None
    host = urlsplit(evidence.url).hostname
    senders: dict[str, dict[str, int]] = {}
    for name, dialect in open_dialects().items():
        for key in sent_texts(dialect, evidence.wire.model).keys() - evidence.sent_keys:
            senders.setdefault(key, {})[name] = _distance(dialect, host)
    missing = next((key for key in senders if _misses(evidence.sentence, key)), None)
    if missing is None:
        return None
    nearest = min(senders[missing].values())
    names = [name for name, distance in senders[missing].items() if distance == nearest]
    one = f"set dialect: {names[0]}" if len(names) == 1 else f"set dialect to one of {listed(names)}"
    return f"the server expects {missing!r}: {one}"


def _distance(dialect: Dialect, host: str | None) -> int:
    """Return how unlikely it is that a server at a host speaks a dialect: 0 at the public host of the dialect."""
    if dialect.home is None:
        return 1
    return 0 if urlsplit(dialect.home).hostname == host else 2


def unknown_key(evidence: Evidence) -> str | None:
    """Name the setting that sends a key which the server refuses."""
    if not _refused(evidence) or not _UNKNOWN.search(evidence.sentence):
        return None
    options = {str(_last_key(path)): path for path in evidence.options}
    model = _last_key(evidence.dialect.shape.model)
    limit = None if evidence.wire.top_n is None else _last_key(evidence.dialect.shape.top_n)
    sent = evidence.sent_keys | options.keys() | set(filter(None, (model, limit)))
    key = next((key for key in sorted(sent) if _names_in_quotes(evidence.sentence, key)), None)
    if key is None:
        return None
    if key in options:
        return f"remove {options[key]} from options: the server refuses it"
    if key == model:
        return f'the server refuses {key!r}: set dialect: generic and shape: {{model: ""}}'
    if key == limit:
        return f"the server refuses {key!r}: remove send_top_n, or set the dialect of the server"
    return None


def _last_key(path: str | None) -> str | None:
    """Return the key at the end of a path; None without a path."""
    return str(split_path(path)[-1]) if path else None


def _refused(evidence: Evidence) -> bool:
    return evidence.status in {400, 422} or (evidence.status == 500 and evidence.name == "xinference")


def _names(sentence: str, key: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", sentence) is not None


def _names_in_quotes(sentence: str, key: str) -> bool:
    """Return whether a sentence names a key as one: in quotes or brackets, as a path, or after a colon at an end."""
    return re.search(rf"[`'\"\[.]{re.escape(key)}[`'\"\]]|: {re.escape(key)}(;|$)", sentence) is not None


def _misses(sentence: str, key: str) -> bool:
    """Return whether a sentence says of a key that it is missing; a key may also be a common word."""
    word = re.escape(key)
    nouns = r"(?: (?:required|body|request|field|parameter|argument|property|key|value))*"
    said = rf"\b{word}\b (?:is|are) (?:a )?(?:missing|required|mandatory)|(?:missing|required){nouns}\W{{1,3}}{word}\b"
    return _names_in_quotes(sentence, key) or re.search(said, sentence, re.IGNORECASE) is not None


LENGTH_STATUSES = {400, 413, 422, 500}
_TEXT = r"\b(context|tokens?|sequence|input|prompt|text|document|passage|query|length|characters)\b"
_MUCH = r"\b(exceed\w*|max\w*|limit\w*|longer|too long|shorter|shorten|too large|larger|most)\b"
_LONG = re.compile(
    rf"{_TEXT}.{{0,200}}{_MUCH}|{_MUCH}.{{0,200}}{_TEXT}|too large to process|physical batch",
    re.IGNORECASE | re.DOTALL,
)
_NOT_LENGTH = re.compile(
    r"unexpected token|(api|access|auth\w*|bearer|invalid).{0,3}token|rate.?limit|per (minute|second|day)"
    r"|(maximum|max).{0,20}batch size \d|(documents|texts|passages|items|inputs) (at most|per request)",
    re.IGNORECASE,
)
_CUTS: Mapping[str, tuple[str, str]] = {
    "vllm": ("truncate_prompt_tokens", "options: {truncate_prompt_tokens: -1}"),
    "vllm_score": ("truncate_prompt_tokens", "options: {truncate_prompt_tokens: -1}"),
    "tei": ("truncate", "options: {truncate: true}"),
    "nim": ("truncate", "options: {truncate: END}"),
    "nvidia_hosted": ("truncate", "options: {truncate: END}"),
    "pinecone": ("parameters.truncate", "options: {parameters: {truncate: END}}"),
    "jina": ("truncation", "options: {truncation: true}"),
    "voyage": ("truncation", "options: {truncation: true}"),
}
"""Dialect -> the option with which the API truncates long texts, and the setting."""
_MEMORY = re.compile(r"out of memory|\boom\b|(cannot|failed to|unable to) allocate|bad_alloc", re.IGNORECASE)
_OFF = (None, False, "NONE")


def too_long(evidence: Evidence) -> str | None:
    """Name the option that truncates, if a text is too long."""
    if evidence.status not in LENGTH_STATUSES or not says_too_long(evidence.sentence):
        return None
    if "physical batch" in evidence.sentence or (evidence.name == "llamacpp"):
        return (
            "start llama.cpp with a --ubatch-size and --batch-size of at least the tokens of the longest pair"
        )
    option, setting = _CUTS.get(evidence.name, ("", ""))
    if setting and dig(dict(evidence.options), option) in _OFF:
        return f"set {setting} to let the server truncate texts that are too long"
    return None


def out_of_memory(evidence: Evidence) -> str | None:
    """Name the limits that make requests smaller, if the server has too little memory for one."""
    if (evidence.status or 0) < 500 or not _MEMORY.search(evidence.sentence):
        return None
    return "set max_documents or max_tokens lower: the server has too little memory for such a request"


def too_large_alone(evidence: Evidence) -> str | None:
    """Say what is left to do if a request with one document is too large: no limit of evalkit makes it smaller."""
    if evidence.status != 413 or len(evidence.wire.documents) != 1:
        return None
    return (
        "shorten the document, or raise the server's limit: a request with one document is too large for it"
    )


def says_too_long(sentence: str) -> bool:
    """Return whether a server says that a text is too long."""
    return _LONG.search(sentence) is not None and _NOT_LENGTH.search(sentence) is None


_EMPTY = re.compile(
    r"empty|blank|white.?space|at least (1|one) character|min_?length|too.?short", re.IGNORECASE
)


def empty_text(evidence: Evidence) -> str | None:
    """Name the empty texts of a request, if the server refuses them."""
    says = _EMPTY.search(evidence.sentence)
    if not _refused(evidence) or not says:
        return None
    if not evidence.wire.query.strip():
        return "the query is empty: add its text or remove it; evalkit dataset check lists such queries"
    blank = [place for place, text in enumerate(evidence.wire.documents) if not text.strip()]
    return fill_in(evidence, blank) if blank else None


def fill_in(evidence: Evidence, places: Sequence[int]) -> str:
    """Return the sentence that names empty documents and what to do."""
    ids = [
        evidence.doc_ids[place] if place < len(evidence.doc_ids) else f"number {place}" for place in places
    ]
    one = len(ids) == 1
    return (
        f"add the text{'' if one else 's'} of document{'' if one else 's'} {listed(ids)}, or remove"
        f" {'it' if one else 'them'}; evalkit dataset check lists empty documents"
    )


def too_many(evidence: Evidence) -> str | None:
    """Name the limits of a request that the server states."""
    found = re.search(
        r"maximum (?:allowed )?batch size:? (\d{1,6})", evidence.sentence, re.IGNORECASE
    ) or re.search(
        r"(?:at most|maximum(?: of)?|max|up to|more than|exceeds?|limit(?: of)?(?: is)?)\D{0,12}(\d{1,6})\s+"
        r"(?:documents|texts|passages|inputs|items|records)",
        evidence.sentence,
        re.IGNORECASE,
    )
    if found and evidence.status in {400, 413, 422} and 0 < int(found[1]) < len(evidence.wire.documents):
        return f"set max_documents: {found[1]}"
    is_text = cause_in_words(413, evidence.sentence) == "text"
    if evidence.exchange.status == 413 and not is_text and len(evidence.wire.documents) > 1:
        return "set max_bytes or max_documents to the server's limit"
    return None

"""Hints at the address, the key and the model of an API, from the refusal of a call."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from evalkit.rerankers.failure_evidence import Evidence
from evalkit.rerankers.reply_shapes import has_results

_OTHER_ROUTES = re.compile(r"/(chat/completions|completions|embeddings|models|responses)/?$")
_BASE = re.compile(r"(v\d+|api|openai|inference|gateway|serving|proxy)?")
"""Last part of the path of an address that is the base of an API."""
_GO_PAGE = "404 page not found"
"""What servers in Go, among them Ollama, return for a path that they do not have."""
_NO_OLLAMA = "Ollama has no rerank API; llama.cpp, vLLM and TEI have one"
_RERANK_ROUTE = re.compile(r"rank|score|predict|invocations", re.IGNORECASE)


def page_at_url(evidence: Evidence) -> str | None:
    """Name the path of the API if a page or something else was returned at its base address."""
    is_strange = evidence.status == 200 and not has_results(evidence.body, evidence.dialect)
    return _full_address(evidence) if is_strange and evidence.exchange.content.strip() else None


def base_address(evidence: Evidence) -> str | None:
    """Name the full address if the url is only the base of the API, or the address of another of its routes."""
    full = _full_address(evidence) if evidence.status in {404, 405} else None
    return f"{full} ({_NO_OLLAMA})" if full and evidence.sentence.strip().lower() == _GO_PAGE else full


def redirected(evidence: Evidence) -> str | None:
    """Name the whole address that a redirect leads to; servers often return only its path."""
    target = evidence.exchange.headers.get("location", "")
    if evidence.exchange.status not in {301, 302, 303, 307, 308} or not target:
        return None
    return f"set url to {urljoin(evidence.url, target)}; redirects are not followed"


def last_slash(evidence: Evidence) -> str | None:
    """Name the address without the slash at its end: many servers have no such path."""
    is_own = evidence.url.endswith("/") and _is_own_path(evidence)
    return f"set url to {evidence.url.rstrip('/')}" if is_own and evidence.exchange.status == 404 else None


def not_a_route(evidence: Evidence) -> str | None:
    """Explain a 404 or 405 of the server's router: the path is unknown, or is not for requests like these."""
    text = evidence.sentence.strip().lower()
    path = evidence.dialect.path
    own = f"the path of the {evidence.name} dialect is {path}"
    if evidence.exchange.status == 405:
        return f"check url: this path accepts no POST requests; {own}"
    if evidence.exchange.status != 404:
        return None
    if text == _GO_PAGE:
        return f"check url: the server has no such path ({_NO_OLLAMA})"
    is_own = _is_own_path(evidence) or evidence.name == "generic"
    is_of_router = text in {"", "not found", "404 not found"} or text.startswith(
        ("<", "cannot post", "no route")
    )
    return f"check url: {own}" if is_of_router and not is_own else None


def plain_http(evidence: Evidence) -> str | None:
    """Name https if an HTTPS port received plain HTTP."""
    if re.search(r"plain http request|http request to an https server", evidence.sentence, re.IGNORECASE):
        return f"set url: {evidence.url.replace('http://', 'https://', 1)}"
    return None


def web_page(evidence: Evidence) -> str | None:
    """Say that a proxy refused, if the refusal is a web page."""
    start = evidence.exchange.text.lstrip()[:20].lower()
    is_page = start.startswith(("<!doctype html", "<html"))
    if evidence.exchange.status in {401, 403, 407} and is_page:
        return (
            "the reply is a web page, probably of a proxy or firewall: check that it lets the request pass, and "
            + _key_check(evidence.key_variable)
        )
    return None


_KEY_HEADERS = re.compile(
    r"\b(x-[a-z-]{0,20}api-key|ocp-apim-subscription-key)\b"
    r"|\b(api-?key)['\"`]?\s+header|\bheaders?\b[ :]{1,3}['\"`]?(api-?key)\b",
    re.IGNORECASE,
)


_NO_KEY = re.compile(
    r"\bno (api.?)?key\b|(api.?)?key (is )?(missing|not (found|provided|supplied))|missing (an? |the )?(api.?)?key\b",
    re.IGNORECASE,
)


def other_key_header(evidence: Evidence) -> str | None:
    """Name the header that the server wants the key in, if its refusal names another one than was sent."""
    if evidence.status not in {400, 401, 403}:
        return None
    dialect, sentence = evidence.dialect, evidence.sentence
    sent, prefix = dialect.key_header.lower(), dialect.key_prefix.strip().lower()
    found = _KEY_HEADERS.search(sentence)
    named = next((group for group in found.groups() if group), "") if found else ""
    if named and named.lower() != sent:
        return f'set key_header: {named} and key_prefix: "": the server takes the key in this header'
    if "authorization header" in sentence.lower() and sent != "authorization":
        return f"the server takes the key in the header Authorization, not in {dialect.key_header}: check dialect"
    scheme = evidence.exchange.headers.get("www-authenticate", "").split(" ")[0]
    if scheme.lower() in {"basic", "apikey"} and prefix != scheme.lower():
        return f'set key_prefix: "{scheme} ": the server takes keys of this kind'
    return _other_form(evidence) if evidence.key_variable and evidence.status != 400 else None


def _other_form(evidence: Evidence) -> str | None:
    """Name the settings of a key that was sent, but in a form that the server may not read."""
    dialect = evidence.dialect
    if "key" in dialect.key_header.lower() and dialect.key_prefix.strip().lower() == "bearer":
        header = dialect.key_header
        return f'{_key_check(evidence.key_variable)}; if {header} is to hold nothing else, set key_prefix: ""'
    if _NO_KEY.search(evidence.sentence):
        return (
            f"the key was sent in the header {dialect.key_header}: set key_header and key_prefix to what the API"
            ' reads, e.g. key_header: X-API-Key and key_prefix: ""'
        )
    return None


def _key_check(variable: str | None) -> str:
    return (
        f"check the key in {variable}"
        if variable
        else "set api_key_env to the variable that contains the key"
    )


def unknown_model(evidence: Evidence) -> str | None:
    """Name where the server lists its models, if it does not know the model."""
    if evidence.status not in {400, 404, 422} or not says_unknown_model(evidence.sentence):
        return None
    parts = urlsplit(evidence.url)
    models = urlunsplit((parts.scheme, parts.netloc, "/v1/models", "", ""))
    return f"set model to a name that the server knows; many servers list their names at {models}"


_UNKNOWN_MODEL = re.compile(
    r"model.{0,80}(not.{0,6}found|not.{0,4}exist|unknown|no such|not available|not served)"
    r"|(unknown|no such|invalid|unsupported|cannot find|find the).{0,3}model|model_not_found",
    re.IGNORECASE,
)


def says_unknown_model(sentence: str) -> bool:
    """Return whether a server says that it does not know a model."""
    return _UNKNOWN_MODEL.search(sentence) is not None


def no_credit(evidence: Evidence) -> str | None:
    """Name the account if its credit is used up."""
    if evidence.status == 402 or re.search(
        r"insufficient.{0,10}(balance|credit|fund|quota)", evidence.sentence, re.IGNORECASE
    ):
        return "add credit to the account of the key, then rerun"
    return None


def _is_own_path(evidence: Evidence) -> bool:
    """Return whether the path of the url is that of the dialect, whatever model it names."""
    template = re.sub(r"\\\{\w+\\\}", ".+", re.escape(evidence.dialect.path))
    return re.fullmatch(f"{template}/?", urlsplit(evidence.url).path) is not None


def _full_address(evidence: Evidence) -> str | None:
    """Return the sentence with the full address; None if the url is a route already, or the path is unknown."""
    parts, dialect = urlsplit(evidence.url), evidence.dialect
    base = _OTHER_ROUTES.sub("", parts.path).rstrip("/")
    last = base.rpartition("/")[2]
    is_route = _RERANK_ROUTE.search(last) or _is_own_path(evidence)
    route = dialect.path.replace("{model}", quote(evidence.wire.model, safe="/"))
    if is_route or "{" in route or _BASE.fullmatch(last) is None:
        return None
    if re.fullmatch(r"v\d+", last) and re.match(r"/v\d+/", route) and not route.startswith(f"{base}/"):
        route = route[route.index("/", 1) :]
    path = route if route.startswith(f"{base}/") else base + route
    full = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    return None if full == evidence.url else f"requests are posted to url as it is: try url: {full}"

"""Complete the address of an API's host or base, such as ``http://host/v1``, to that of its rerank endpoint."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

from evalkit.config.settings import with_hint
from evalkit.dialects import Dialect
from evalkit.errors import EvalkitError

_VERSION = re.compile(r"v\d+(alpha|beta)?\d*")


def complete_url(url: str, name: str, dialect: Dialect, model: str) -> str:
    """Return the address that requests are posted to; a url with any other path or version is that address itself.

    Parameters
    ----------
    url
        The address of the host, of the API's base that ends in a version, or of the endpoint.
    name
        Name of the dialect, for messages.
    dialect
        Its `path` is what is added.
    model
        For a dialect that has the model in its path.

    Raises
    ------
    ValueError
        If the url cannot be the endpoint, and the endpoint does not follow from it.

    Examples
    --------
    >>> from evalkit.dialects.jina import Jina
    >>> complete_url("http://127.0.0.1:8000/v1", "jina", Jina(), "m")
    'http://127.0.0.1:8000/v1/rerank'
    """
    parts = urlsplit(url)
    given = [part for part in parts.path.split("/") if part]
    if not given and dialect.answers_at_root:
        return url
    if given and not _VERSION.fullmatch(given[-1]):
        return url
    path = _path_of(dialect, model)
    own = path.strip("/").split("/")
    versions = [part for part in own if _VERSION.fullmatch(part)]
    if given and versions and given[-1] not in versions:
        return url  # of another version of the API: only its server knows what is there
    if "{" in path:
        host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"  # a message repeats no password and no parameter
        message = f"the endpoint of the {name} dialect is at {path}, not at {host}{parts.path}"
        raise with_hint(EvalkitError(message, f"set url to {host}{path}"))
    if not given:
        return urlunsplit(parts._replace(path=path))
    rest = own[own.index(given[-1]) + 1 :] if versions else own
    return urlunsplit(parts._replace(path=f"/{'/'.join([*given, *rest])}"))


def _path_of(dialect: Dialect, model: str) -> str:
    """Return the path of the endpoint; what the configuration does not say stays a placeholder in braces."""
    public = dialect.url(model)
    return urlsplit(public).path if public else dialect.path.replace("{model}", quote(model, safe="/"))

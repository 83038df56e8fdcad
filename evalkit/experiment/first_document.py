"""The test call to a reranker: the first document of the first query and, if it is refused, a short fixed one.

Some servers answer a text that is too long with status 500, as if they were broken: the fixed text shows which it is.
"""

from __future__ import annotations

from evalkit.backend_checks.fixed_request import fixed_request
from evalkit.errors import tell
from evalkit.reranking import Batch, CallContext, Outcome, RerankerSession, RetryingCaller
from evalkit.reranking.list_limits import may_be_content

_BROKEN = 500


def send_first_document(session: RerankerSession, dataset: str, first: Batch) -> list[Outcome]:
    """Make one call with one document; return it and, if it is refused for its text, a second one with a fixed text.

    If the fixed text is scored, a note says what was refused: the document fails its query later on, and no other.

    Parameters
    ----------
    session
        The reranker.
    dataset
        Name of the dataset, for the records of the calls.
    first
        The first query with its first candidate.

    Raises
    ------
    CallError
        If no text is scored.
    """
    caller = RetryingCaller(session, retries_without_reply=False)
    context = CallContext(dataset, session.tag, "check")
    outcomes = list(caller.deliver(first, context))
    refused = outcomes[0].failure
    if refused is not None and refused.http_status == _BROKEN:
        # It was sent several times; the fixed text only has to show whether another one is scored.
        outcomes += RetryingCaller(session, retries=False).deliver(Batch(fixed_request(1)), context)
        failure = refused if outcomes[-1].failure else None
    else:
        if refused is not None and may_be_content(refused):
            outcomes += caller.deliver(Batch(fixed_request(1)), context)
        failure = outcomes[-1].failure
    if failure is not None:
        failure.message = f"reranker {session.tag!r} failed its first call: {failure.message}"
        raise failure
    if refused is not None:
        request = first.request
        tell(
            f"reranker {session.tag!r} refused the first document of the first query (query {request.query_id!r},"
            f" document {request.doc_ids[0]!r}): {refused.message.removesuffix('.')};"
            " it scored a short test text, so the run goes on"
        )
    return outcomes

"""The test call to a reranker: the first document of the first query and, if it is refused, a short fixed one."""

from __future__ import annotations

from evalkit.backend_checks.fixed_request import fixed_request
from evalkit.errors import tell
from evalkit.reranking import Batch, CallContext, Outcome, RerankerSession, RetryingCaller
from evalkit.reranking.list_limits import may_be_content


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
        If the last of these calls fails.
    """
    caller = RetryingCaller(session, retries_without_reply=False)
    context = CallContext(dataset, session.tag, "check")
    outcomes = list(caller.deliver(first, context))
    refused = outcomes[0].failure
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

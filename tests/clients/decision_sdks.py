"""Check replies and requests of decision APIs with the packages of others; print what they made of them, as JSON.

``python decision_sdks.py ask OPENAI SYSTEM_ONE QUESTION`` asks two servers: QUESTION is JSON, with a query, documents,
the levels of a scale and the wording of decisions-reranker. ``refuse OPENAI SYSTEM_ONE`` asks them what no reranker
answers. ``wordings`` prints what the rerankers of others ask. ``check BODIES`` checks requests against the packages'
types: contract -> list of bodies. It runs outside of evalkit's own environment, and imports nothing but the packages.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import httpx2
from decisions_reranker.reranker import DEFAULT_INSTRUCTION, DecisionsReranker, Document
from hev_rerank import load_prompt, rerank
from openai import BadRequestError, OpenAI
from openai.types.decision import Decision
from openai.types.decision_create_params import DecisionCreateParams
from pydantic import TypeAdapter
from typesafe_sdk import Choice, Noul, Score, TypeSafeClient, TypeSafeUnprocessableEntityError
from typesafe_sdk._schemas.models import SystemOneRequest, SystemOneResponse


def ask_openai(
    base: str, query: str, documents: list[str], levels: list[str], wording: str
) -> dict[str, Any]:
    """Ask with the client of OpenAI, and with a reranker built on it."""
    client = OpenAI(base_url=f"{base}/v1", api_key="k", max_retries=2)
    keys = [f"D{place:02d}" for place in range(len(documents))]
    parts = [{"query": query}, {"documents": dict(zip(keys, documents, strict=True))}]
    message = {"role": "user", "content": [{"type": "input_json", "data": data} for data in parts]}
    scale = [{"label": str(level), "description": words} for level, words in enumerate(levels)]
    questions = [{"type": "predicate", "name": key, "instructions": f"{key} is relevant"} for key in keys]
    rated = {
        "type": "score",
        "name": keys[0],
        "instructions": f"{keys[0]} is relevant",
        "levels": scale,
    }
    yes = client.decisions.create(model="gpt-6-luna", input=[message], questions=questions)
    level = client.decisions.create(model="gpt-6-luna", input=[message], questions=[rated])
    for reply in (yes, level):
        Decision.model_validate(reply.model_dump(), strict=True)
    probabilities = {answer.name: answer.probability for answer in yes.answers}
    reranker = DecisionsReranker(client, instruction=wording)
    ranked = reranker.rerank(query, [Document(text, text) for text in documents])
    (answer,) = level.answers
    return {
        "probabilities": [probabilities[key] for key in keys],
        "levels": [p.probability for p in sorted(answer.probabilities, key=lambda p: p.value)],
        "score": answer.score,
        "reranked": {one.text: one.score for one in ranked},
        "tokens": [yes.usage.input_tokens, yes.usage.output_tokens],
    }


def ask_system_one(
    base: str, query: str, documents: list[str], levels: list[str], **_wording: str
) -> dict[str, Any]:
    """Ask with the client of TypeSafe, and with a reranker built on it."""
    client = TypeSafeClient(api_key="k", base_url=base)
    keys = [f"D{place:02d}" for place in range(len(documents))]
    state = {"query": query, "documents": dict(zip(keys, documents, strict=True))}
    yes = client.system_one(
        state=state,
        model="jev-latest",
        questions={key: Noul(instructions=f"{key} is relevant") for key in keys},
    )
    rated = Score(instructions=f"{keys[0]} is relevant", criteria=levels)
    level = client.system_one(state=state, model="jev-latest", questions={keys[0]: rated})
    body = {
        "model": "jev-latest",
        "state": state,
        "questions": {keys[0]: rated.model_dump(exclude_none=True)},
    }
    SystemOneResponse.model_validate(httpx2.post(f"{base}/v1/systemone", json=body).json(), strict=True)
    answer = level.answers[keys[0]]
    ranked = rerank(query, documents, client=client)
    return {
        "probabilities": [yes.answers[key].noul for key in keys],
        "levels": [answer.probabilities[key] for key in range(len(levels))],
        "score": answer.score,
        "reranked": {one.document: one.score for one in ranked},
        "tokens": [yes.usage.input_tokens, yes.usage.output_tokens],
    }


def refuse(openai: str, system_one: str) -> dict[str, Any]:
    """Ask each client for a choice, which no reranker can make; return what its error says."""
    client = OpenAI(base_url=f"{openai}/v1", api_key="k", max_retries=0)
    question = {
        "type": "choice",
        "name": "x",
        "instructions": "which?",
        "choices": [{"value": "a"}, {"value": "b"}],
    }
    content = [{"role": "user", "content": [{"type": "input_json", "data": {"query": "q", "document": "d"}}]}]
    found: dict[str, Any] = {}
    try:
        client.decisions.create(model="m", input=content, questions=[question])
    except BadRequestError as error:
        found["openai"] = [error.status_code, error.param, error.code, str(error)]
    other = TypeSafeClient(api_key="k", base_url=system_one)
    choice = Choice(instructions="which?", criteria={"a": None, "b": None})
    try:
        other.system_one(state={"query": "q", "document": "d"}, model="m", questions={"x": choice})
    except TypeSafeUnprocessableEntityError as error:
        found["system_one"] = [error.status, str(error)]
    return found


def wordings() -> list[dict[str, str]]:
    """Return the questions of hev-rerank and of decisions-reranker, as evalkit's service declares them."""
    prompt = load_prompt()
    hev = {"question": prompt["question"].replace("{id}", "{document}"), **prompt["criteria"]}
    return [hev, {"question": DEFAULT_INSTRUCTION}]


def check(bodies: dict[str, list[Any]]) -> dict[str, int]:
    """Raise for a request that the packages' types do not allow; return how many there were."""
    create = TypeAdapter(DecisionCreateParams)
    for body in bodies["openai"]:
        create.validate_python(body)
    for body in bodies["system_one"]:
        SystemOneRequest.model_validate(body, strict=True)
    return {contract: len(sent) for contract, sent in bodies.items()}


def main() -> None:
    """Print one JSON object."""
    what, *words = sys.argv[1:]
    found: Any
    if what == "check":
        found = check(json.loads(words[0]))
    elif what == "wordings":
        found = wordings()
    elif what == "refuse":
        found = refuse(*words)
    else:
        asked = json.loads(words[2])
        found = {"openai": ask_openai(words[0], **asked), "system_one": ask_system_one(words[1], **asked)}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()

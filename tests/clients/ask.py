"""Ask a rerank service with the clients of one environment; print what each made of the reply, as JSON.

``python ask.py ENVIRONMENT ADDRESS KEY QUESTION``; QUESTION is JSON: a query, documents and top_n. It runs outside
of evalkit's own environment, and imports nothing but the clients.
"""

from __future__ import annotations

import json
import os
import sys

from frameworks import FRAMEWORKS
from vendor_sdks import VENDORS


def main() -> None:
    """Print one JSON object: client -> its ranking, or what it raised; asked with the right and with a wrong key."""
    environment, base, key, question = sys.argv[1:]
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    asked = json.loads(question)
    answers = {}
    for name, ask in {**VENDORS.get(environment, {}), **FRAMEWORKS.get(environment, {})}.items():
        try:
            answers[name] = {"ranking": ask(base, key, asked)}
        except Exception as error:  # noqa: BLE001 - whatever a client makes of our reply
            answers[name] = {"error": f"{type(error).__name__}: {error}"[:300]}
        try:
            ask(base, "wrong", asked)
            answers[name]["with a wrong key"] = "nothing"
        except Exception as error:  # noqa: BLE001 - as above
            answers[name]["with a wrong key"] = f"{type(error).__name__}: {error}"[:160]
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main()

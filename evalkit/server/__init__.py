"""The rerank service: `app` is the ASGI application, `serve` runs it, `subprocess_service` starts it for a run."""

"""The rerank API itself, answered by any backend: `app` is the service, `process` starts one aside."""

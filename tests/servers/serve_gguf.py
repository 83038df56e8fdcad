"""Serve a GGUF reranker with llama.cpp: ``python serve_gguf.py FILE PORT`` (needs xllamacpp)."""

from __future__ import annotations

import sys
import time

import xllamacpp


def main(file: str, port: int) -> None:
    """Serve until killed."""
    params = xllamacpp.CommonParams()
    params.model.path = file
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    params.n_ctx = params.n_batch = params.n_ubatch = 4096
    params.n_parallel = 1
    params.warmup = False
    params.offline = True
    params.n_gpu_layers = 0
    params.hostnames = ["127.0.0.1"]
    params.port = port
    server = xllamacpp.Server(params)
    sys.stdout.write(f"listening at {server.listening_address}\n")
    sys.stdout.flush()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""Models that run on torch, loaded by sentence-transformers or by transformers."""

"""Models that run on ONNX Runtime: exported once, checked, and kept in the cache."""

"""How the vectors of embedding models are made and compared: prompts, roles, dimensions, similarity."""

"""Which pairs to judge, how raters agree, and what judgments can decide."""

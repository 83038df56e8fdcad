"""Turn the raw tables of a result into documents of numbers: summary, comparisons, tuning, latency."""

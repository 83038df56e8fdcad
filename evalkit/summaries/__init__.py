"""From raw files to what a report says, as documents of numbers: values, summary, comparisons, tuning, latency."""

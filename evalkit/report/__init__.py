"""Typed documents to tables, charts, sentences and pages; one file for each subject."""

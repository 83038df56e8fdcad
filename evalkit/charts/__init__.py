"""Charts as typed records, drawn as SVG for a page or as PNG; colours are roles, and nothing here knows a result."""

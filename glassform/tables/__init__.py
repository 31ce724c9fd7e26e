"""A table file, whoever wrote it: its columns, its rows, and what was noticed on the way."""

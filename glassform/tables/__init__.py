"""A table file of any writer: its columns, its rows, and what was noticed on the way."""

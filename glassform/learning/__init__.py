"""Rows in, a fitted model out: read, tabulate, evaluate, compare, save."""

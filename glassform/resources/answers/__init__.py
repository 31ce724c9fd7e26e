"""Answers about one record, or many."""

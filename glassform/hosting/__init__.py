"""Processes and ports, and what must be there before the first request."""

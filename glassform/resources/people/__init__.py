"""Accounts, sessions, keys and saved predictions."""

"""People: tables, passwords, tokens, keys, rates, history, migrations."""

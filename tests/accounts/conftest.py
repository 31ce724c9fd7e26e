"""What the tests of accounts share."""

from collections.abc import Iterator

import pytest

from glassform.accounts import passwords


@pytest.fixture
def quick_passwords(monkeypatch) -> Iterator[None]:
    """Passwords are hashed in no time, so that a test can ask for many."""
    monkeypatch.setattr(passwords, "METHOD", "pbkdf2:sha256:1")
    passwords.nobodys_password.cache_clear()
    yield
    passwords.nobodys_password.cache_clear()

"""The settings: read from the environment once, when the application is made."""

import os
from collections.abc import Mapping
from typing import Annotated

import pydantic


def listed(text: str | list[str]) -> list[str]:
    """Read a list written with commas."""
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


class Settings(pydantic.BaseModel):
    """What whoever runs the server can choose; each is an environment variable of the same name in capitals.

    `cors_origins`: the web pages of other origins, as in `https://example.org`, whose scripts may ask this server,
    with commas between them, or `*` for all; none unless set.
    """

    cors_origins: Annotated[
        list[Annotated[str, pydantic.Field(pattern=r"^(\*|https?://[^/*\s]+)$")]], pydantic.BeforeValidator(listed)
    ] = []


class InvalidSettings(ValueError):
    """An environment variable that cannot be followed."""


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings.

    Raises
    ------
    InvalidSettings
        With every variable whose value cannot be.
    """
    given = {name: environment[name.upper()] for name in Settings.model_fields if name.upper() in environment}
    try:
        return Settings.model_validate(given)
    except pydantic.ValidationError as invalid:
        wrong = [f"{str(error['loc'][0]).upper()}: {error['input']} ({error['msg']})" for error in invalid.errors()]
        raise InvalidSettings("; ".join(wrong)) from invalid

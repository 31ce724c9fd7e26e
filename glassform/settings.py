"""The settings: read from the environment once, when the application is made."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import pydantic

from glassform.files import written_whole
from glassform.programs import IS_INSTALLED

CODE = Path(__file__).parent  # the package glassform
HOME = CODE if IS_INSTALLED else CODE.parent
PACKAGE = HOME / "data" / "datapackage.json"  # of the default table
# the folder to write in: the checkout or, where the code is installed, the folder that the command starts in
FOLDER = Path(os.environ.get("GLASSFORM_HOME") or (Path.cwd() if IS_INSTALLED else HOME)).absolute()
# what belongs to one installation: its database and its secret, its models
INSTANCE = Path(os.environ.get("GLASSFORM_INSTANCE", FOLDER / "instance"))
ARTIFACTS = Path(os.environ.get("GLASSFORM_ARTIFACTS", FOLDER / "artifacts"))
ADDED = (INSTANCE if IS_INSTALLED else FOLDER) / "data"  # the descriptions of added tables
SECRET = "secret"  # the file of a secret that was made here
SHORTEST_SECRET = 32  # characters


def listed(text: str | list[str]) -> list[str]:
    """Read a list written with commas."""
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


class Settings(pydantic.BaseModel):
    """The settings of a server; each is an environment variable of the same name in capitals.

    Attributes
    ----------
    cors_origins
        The web pages of other origins, as in `https://example.org`, whose scripts may ask this server, with commas
        between them, or `*` for all.
    database_url
        Where accounts and predictions are kept: SQLite, or PostgreSQL as in `postgresql+psycopg://user@host/name`.
    secret_key
        What tokens are signed with; without one, a random one is made and kept beside the database.
    registration
        Whether anybody can make an account.
    rate_limit
        How often one address, and one account, may ask for anything that has to do with accounts.
    login_limit
        How often one address may give a wrong password. For one name it may be twice as often in four times the
        time, and three times as often in fifteen times the time, but never takes longer than 15 minutes.
    rate_limit_storage
        Where that is counted: in the `database`, for all workers, or at `redis://host:port`, for all machines, or in
        the `memory://` of each worker.
    trusted_proxies
        How many proxies stand before the server, whose X-Forwarded headers are believed.
    trusted_hosts
        The hosts that this server is asked by, with commas between them: `example.org`, or `.example.org` for those
        below it too. Others are refused. Without a list all are answered, and whole addresses are written only for
        this machine, private networks and what a trusted proxy says.
    secure_cookies
        Whether cookies travel by HTTPS only, even if no proxy says that a request came by it.
    classroom
        Whether classes can be held here. `python server.py --class` sets this and `class_addresses` for its own
        workers; do not set them yourself.
    class_addresses
        Where phones in the room reach this server, the best address first, as in `http://192.168.1.5:5000`.
    """

    # pydantic's own engine takes 10 ms to learn the letters of all languages
    model_config = pydantic.ConfigDict(regex_engine="python-re")

    cors_origins: Annotated[
        list[Annotated[str, pydantic.Field(pattern=r"^(\*|https?://[^/*\s]+)$")]], pydantic.BeforeValidator(listed)
    ] = []
    database_url: str = f"sqlite:///{INSTANCE / 'glassform.sqlite'}"
    secret_key: str = ""
    registration: bool = True
    rate_limit: str = "1000 per second"
    login_limit: str = "10 per minute"
    rate_limit_storage: Annotated[str, pydantic.Field(pattern=r"^(database$|(memory|redis|rediss)://)")] = "database"
    trusted_proxies: Annotated[int, pydantic.Field(ge=0, le=10)] = 0
    trusted_hosts: Annotated[
        list[Annotated[str, pydantic.Field(pattern=r"^\.?[\w:\[\]-]+(\.[\w-]+)*(:[0-9]+)?$")]],
        pydantic.BeforeValidator(listed),
    ] = []
    secure_cookies: bool = False
    classroom: bool = False
    class_addresses: Annotated[
        list[Annotated[str, pydantic.Field(pattern=r"^https?://[^/,\s]+$")]], pydantic.BeforeValidator(listed)
    ] = []

    @pydantic.field_validator("rate_limit", "login_limit")
    @classmethod
    def be_a_rate(cls, rate: str) -> str:
        """Return a rate that can be counted."""
        from limits import parse  # late: as shipped, no rate is given

        parse(rate)
        return rate

    @pydantic.field_validator("database_url")
    @classmethod
    def name_the_driver(cls, url: str) -> str:
        """Return the URL for SQLAlchemy, which would take another driver for PostgreSQL."""
        scheme, _, rest = url.partition("://")
        if scheme in ("postgres", "postgresql"):
            return f"postgresql+psycopg://{rest}"
        if scheme not in ("sqlite", "postgresql+psycopg"):
            raise ValueError("is neither SQLite nor PostgreSQL")
        if scheme == "sqlite" and not rest.strip("/"):
            raise ValueError("names no file")
        return url

    @pydantic.field_validator("database_url", "rate_limit_storage")
    @classmethod
    def name_a_port(cls, url: str) -> str:
        """Return a URL whose port, if it names one, is a number."""
        if not url.startswith("sqlite"):
            urlsplit(url).port  # noqa: B018 - it raises what is wrong
        return url


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
        wrong = [f"{str(error['loc'][0]).upper()}: {shown(error)} ({error['msg']})" for error in invalid.errors()]
        raise InvalidSettings("; ".join(wrong)) from invalid


def settings_or_exit() -> Settings:
    """Return the settings, or end the program with what is wrong."""
    try:
        return read_settings()
    except InvalidSettings as error:
        sys.exit(f"Invalid setting: {error}")


def read_secret(settings: Settings, folder: Path = INSTANCE) -> str:
    """Return what tokens are signed with; if none is set, the one kept in the folder, which is made if need be."""
    if settings.secret_key:
        return settings.secret_key
    kept = folder / SECRET
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(kept, keep_existing=True) as unfinished:  # the first process's secret counts
            unfinished.touch(mode=0o600)
            unfinished.write_text(secrets.token_hex(SHORTEST_SECRET))
    return kept.read_text()


def shown(error: Any) -> str:
    """Return a value that cannot be followed, but for what may hold a password."""
    return "…" if error["loc"][0] in ("database_url", "secret_key", "rate_limit_storage") else str(error["input"])

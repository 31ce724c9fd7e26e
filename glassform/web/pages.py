"""Pages: how templates are rendered and what all of them may use."""

from itertools import islice
from typing import Any

from flask import Flask, current_app, render_template
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from glassform import languages
from glassform.languages import DEFAULT, UNSPACED, current, gettext, translations
from glassform.programs import how_to
from glassform.web import addresses, charts, language
from glassform.web.asked import VERSION, address_of, asked, asked_version, fitted, schema, served, tables
from glassform.web.forms import FORM_FIELD, form_token
from glassform.web.joints import marked, without_blanks

MOST_IN_MENU = 8  # tables; a page lists all


def prepare(app: Flask) -> None:
    """Set up templates."""
    app.url_defaults(keep_version)
    app.context_processor(shown_on_every_page)
    app.jinja_env.globals.update(USED_BY_PAGES)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def page(template: str, **context: Any) -> bytes:
    """Render a page."""
    # typed text may hold half a surrogate pair, which UTF-8 cannot
    text = render_template(template, **context)
    return (without_blanks(text) if current() in UNSPACED else text).encode(errors="replace")


def shown_on_every_page() -> dict[str, Any]:
    """Return what every page needs: the model that answers, what a record is, and the language."""
    return {
        "card": fitted(),
        "schema": schema(),
        "lang": current(),
        "pinned": asked_version(),
        "served": served(),
        "tables": tables(),
        "has_classes": current_app.extensions["settings"].classroom,
    }


def switchable() -> list[tuple[str, str, bool]]:
    """Return the tables of the menu: title, address, and whether it is this one."""
    listed = ((name, table.current.schemas[current()]) for name, table in islice(tables(), MOST_IN_MENU))
    return [(each.package["title"], address_of(name), name == served().name) for name, each in listed]


@pass_context
def worded(context: Context, text: str, /, **values: Any) -> Markup:
    """Translate a page's text; fill in its values and the words for a row."""
    # called 120 times a page: the default language needs no look-up
    said = text if context["lang"] == DEFAULT else gettext(text)
    said = marked(said) if context["lang"] in UNSPACED else said
    return Markup(said) % {**context["schema"].words, **values}


@pass_context
def counted(context: Context, singular: str, plural: str, num: int, /, **values: Any) -> Markup:
    """Translate a page's text about a number of things; fill in its values and the words for a row."""
    said = translations(current()).ngettext(singular, plural, num)
    said = marked(said) if context["lang"] in UNSPACED else said
    return Markup(said) % {"num": num, **context["schema"].words, **values}


def keep_version(endpoint: str, values: dict[str, Any]) -> None:
    """Keep the version that the request names in the page's links."""
    if not endpoint.endswith("static"):
        pinned = asked().pinned
        if pinned:
            values.setdefault(VERSION, pinned)


USED_BY_PAGES = {
    "_": worded,
    "gettext": worded,
    "ngettext": counted,
    "charts": charts,
    "languages": languages,
    "language": language,
    "form_field": FORM_FIELD,
    "form_word": form_token,
    "how_to": how_to,
    "switchable": switchable,
    **addresses.USED_BY_PAGES,
}

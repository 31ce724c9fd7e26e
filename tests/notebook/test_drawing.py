"""What notebooks show: the ledger and the scorecard, safe, whole without styles, and with nothing to load."""

import re
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import sklearn

from glassform import GlassClassifier, GlassRegressor, load
from glassform.learning import glass
from glassform.learning.recipe import Recipe
from glassform.web.charts import percent, signed

HOSTILE = "<script>alert('x')</script> & \"y\""
TABLES = ["", "iris", "diabetes", "census"]


def without_markup(html: str) -> str:
    """What is left where styles and charts are taken out: the text alone, its spaces as one."""
    return " ".join(re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]+>", " ", html, flags=re.DOTALL).split())


@pytest.fixture(scope="module")
def hostile(scorecard) -> GlassRegressor:
    """A model whose names and categories are markup, with a pair of fields."""
    random = np.random.default_rng(0)
    X = pd.DataFrame({HOSTILE: random.random(80), "b": random.choice(["<b>1</b>", "<i>2</i>", "3"], 80)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glass, "chosen", lambda schema, _: Recipe("curve5", pairs=(tuple(schema.by_name),)))
        return GlassRegressor().fit(X, pd.Series(X[HOSTILE] + random.random(80), name="<u>y</u>"))


class Parts(HTMLParser):
    """The tags and the names of attributes of some HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags, self.attributes = set[str](), set[str]()

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@cache
def drawings() -> list[str]:
    models = [load(table) for table in TABLES]
    return [
        each
        for model in models
        for each in (model._repr_html_(), model.explain(**model.fitted.typical)._repr_html_())
    ]


def test_nothing_is_loaded_run_or_named_twice(scorecard, hostile):
    for html in [*drawings(), hostile._repr_html_(), hostile.explain(hostile_rows())[0]._repr_html_()]:
        assert html.startswith("<style>") and html.count('<div class="glassform">') == 1
        parts = Parts()
        parts.feed(html)
        assert not parts.tags & {"script", "link", "img", "iframe", "object", "form", "input", "button", "a"}
        assert not [name for name in parts.attributes if name in ("id", "href", "src", "style") or name[:2] == "on"]
        assert "url(" not in html and "@import" not in html


def test_every_style_is_for_what_is_inside_alone(scorecard):
    styles = load()._repr_html_().partition("</style>")[0].removeprefix("<style>")
    rules = re.sub(r"/\*.*?\*/", "", styles, flags=re.DOTALL)
    selectors = [each for rule in re.findall(r"([^{}]+)\{", rules) for each in rule.split(", ")]
    assert selectors and all(each.strip().startswith(".glassform") for each in selectors)


def test_a_ledger_says_every_term_and_the_sum_without_styles_or_charts(scorecard, record):
    answer = load().explain(**record)
    text = without_markup(answer._repr_html_())
    for term in answer["contributions"]:
        assert f"{signed(term['log_odds'], 2)}" in text
    assert text.startswith(percent(answer["probability"])) and f"the sum {signed(answer['log_odds'], 2)}" in text
    assert f"the average {signed(answer['intercept'], 2)}" in text


def test_all_terms_of_many_fields_are_lines(monkeypatch):
    monkeypatch.setattr(glass, "chosen", lambda *_: Recipe())
    X = np.random.default_rng(0).random((40, 15))
    html = GlassRegressor().fit(X, X.sum(axis=1)).explain(X)[0]._repr_html_()
    assert html.count("<tr data-term=") == 15
    assert "data-rest" not in html and "further" not in html


def test_a_scorecard_says_the_points_of_every_value(scorecard):
    text = without_markup(load()._repr_html_())
    for name, points in scorecard.points.items():
        assert scorecard.schema.by_name[name].title in text
        assert all(signed(each, 2) in text for each in points.log_odds)


def test_pairs_are_drawn(hostile):
    html = hostile._repr_html_()
    (pair,) = hostile.scorecard_.pairs.values()
    assert html.count('<div class="feature pair">') == 1 and html.count("<polyline") == 1 + pair.second.number


def test_a_model_that_is_no_sum_says_so(scorecard):
    model = load("iris")
    for html in (model._repr_html_(), model.explain(**model.fitted.typical)._repr_html_()):
        assert "no table of points equals it" in html


def hostile_rows() -> pd.DataFrame:
    return pd.DataFrame({HOSTILE: [0.5], "b": ["<img src=x onerror=alert(1)>"]})


def test_names_and_values_are_text_and_no_markup(hostile):
    shown = hostile._repr_html_() + hostile.explain(hostile_rows())[0]._repr_html_()
    assert "&lt;script&gt;alert(" in shown and "&lt;b&gt;1&lt;/b&gt;" in shown and "&lt;img src=x" in shown
    assert not re.search(r"<(script|img|b|i|u)>|<img", shown)


def test_a_fitted_estimator_shows_its_scorecard_and_another_what_scikit_learn_shows(hostile):
    assert hostile._repr_mimebundle_() == {"text/plain": repr(hostile), "text/html": hostile._repr_html_()}
    assert "sk-top-container" in GlassClassifier()._repr_html_()
    with sklearn.config_context(display="text"):
        assert [*hostile._repr_mimebundle_()] == ["text/plain"] and hostile._repr_html_() == ""


def test_a_fitted_estimator_becomes_a_model_to_ask(hostile):
    name, other = hostile.scorecard_.schema.by_name
    model = hostile.to_model()
    row = pd.DataFrame({HOSTILE: [0.25], "b": ["3"]})
    assert model.predict(**{name: 0.25, other: "3"}) == pytest.approx(hostile.predict(row)[0], abs=1e-12)


def test_the_model_of_an_estimator_gives_classes_as_text(monkeypatch):
    monkeypatch.setattr(glass, "chosen", lambda *_: Recipe())
    X = pd.DataFrame({"a": np.arange(40.0)})
    fitted = GlassClassifier().fit(X, (X["a"] > 20).astype(int))
    assert fitted.predict(X[-1:]).tolist() == [1] and fitted.to_model().predict(a=39) == "1"


@pytest.fixture(scope="module")
def wide() -> GlassRegressor:
    """A model with long names and large numbers."""
    random = np.random.default_rng(0)
    long, size, towns = random.random(60), random.random(60), random.choice(["a" * 90, "b"], 60)
    X = pd.DataFrame({"n" * 150: long, "size": size, "c": towns})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glass, "chosen", lambda *_: Recipe("curve5", pairs=(("size", "c"),)))
        return GlassRegressor().fit(X, X["size"] * 1e12)


def test_long_names_and_large_numbers_fit_and_cover_nothing(browser, wide):
    answer = wide.explain(pd.DataFrame({"n" * 150: [1 / 3], "size": [1 / 7], "c": ["b"]}))[0]
    page = browser.new_page()
    page.set_content(f"<!doctype html>{wide._repr_html_()}{answer._repr_html_()}")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        burst = "each => each.filter(one => one.scrollWidth > one.clientWidth).length"
        assert page.eval_on_selector_all(".heading, p", burst) == 0
        gaps = "each => each.map(one => one.querySelector('.curve').getBoundingClientRect().left"
        ends = " - Math.max(...[...one.querySelectorAll('.y')].map(y => y.getBoundingClientRect().right)))"
        found = page.eval_on_selector_all(".plot", f"{gaps}{ends}")
        assert len(found) == 3 and min(found) > 0
        values = page.eval_on_selector_all("td.value", "each => each.map(one => one.clientWidth)")
        assert min(values) >= 80
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_chart_has_no_mistake_that_axe_finds_and_fits_its_page(browser, scorecard, hostile, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    ground, ink = ("#fff", "#111") if scheme == "light" else ("#111", "#ddd")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    body = "".join([*drawings(), hostile._repr_html_()])
    page.set_content(
        f"<!doctype html><html lang='en'><title>x</title><body style='background:{ground};color:{ink}'>"
        f"<main><h1>x</h1>{body}</main>"
    )
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()

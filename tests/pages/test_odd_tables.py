"""Pages of tables whose names, labels and numbers are odd: nothing collides, nothing leaves the page."""

import random
from typing import Any
from urllib.parse import urlencode

import pytest
from filelock import FileLock
from playwright.sync_api import expect

import model
from glassform.versions.registry import Registry
from glassform.web.charts import bound
from tests.conftest import quick_training, wait_for
from tests.pages.conftest import TARGETS, describe

LONG = "a label that goes on and on about nothing at all, really nothing, and does not stop even here"
WIDE = "() => document.documentElement.scrollWidth - innerWidth"


def odd_names(chance: random.Random) -> dict[str, Any]:
    """Fields with the names of options and of parts of the page, and two classes."""
    view, answer = round(chance.gauss(0, 1), 2), chance.randint(0, 9)
    sign = "yes" if view + answer / 3 + chance.gauss(-1.5, 1) > 0 else "no"
    return {"view": view, "answer": answer, "change": chance.choice("ab"), "sign": sign}


def long_labels(chance: random.Random) -> dict[str, Any]:
    """Three classes, one with a long name, of many places."""
    place, size = chance.randrange(30), round(chance.gauss(0, 1), 2)
    return {
        "place": f"Place {place}",
        "size": size,
        "label of it": ["<b>bold</b>", LONG, "c"][(place + (size > 0)) % 3],
    }


def large_numbers(chance: random.Random) -> dict[str, Any]:
    """Numbers of many digits."""
    revenue, kind = round(chance.gauss(5e9, 1e9)), chance.choice("xyz")
    return {"revenue": revenue, "kind": kind, "income": round(revenue / 100 + chance.gauss(0, 1e6))}


@pytest.fixture
def odd(request, artifacts, shared, server) -> str:
    """The address of an answer of an odd table."""
    name, target, row = request.param
    with FileLock(shared / f"{name}.lock"):
        package = shared / "added" / name / "datapackage.json"
        if not package.exists():
            chance = random.Random(6)
            TARGETS[name] = target
            describe([row(chance) for _ in range(300)], name, shared / "added")
    registry = Registry(artifacts / name)
    if registry.served() is None:
        with quick_training():
            model.train(package, registry.folder)
    typical = registry.load().typical
    wait_for(f"{server}/{name}/")  # it looks for new tables once a second
    return f"/{name}/probability?{urlencode(typical)}"


def table(*parts: Any) -> Any:
    return pytest.mark.parametrize("odd", [parts], indirect=True)


@table("oddfields", "sign", odd_names)
def test_a_field_may_be_called_like_an_option_or_a_part_of_the_page(visit, odd):
    page = visit(odd)
    expect(page.get_by_role("link", name="Show on a wall")).to_have_count(0)
    for path in (odd, odd.replace("probability", "scorecard")):
        page.goto(path)
        assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map((each) => each.id)).size") == (
            page.locator("[id]").count()
        )
    page.goto(odd)
    page.get_by_label("Answer", exact=True).fill("9")
    expect(page.locator("[data-chip=answer]")).to_have_text("Answer 9")


@table("longlabels", "label of it", long_labels)
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_long_labels_stay_on_the_page(visit, odd, width):
    page = visit(odd, width=width)
    assert page.evaluate(WIDE) <= 0
    edge = page.locator("#what-if").bounding_box()
    for chart in page.locator("#what-if table").all():
        box = chart.bounding_box()
        assert box["x"] + box["width"] <= edge["x"] + edge["width"]


@table("largenumbers", "income", large_numbers)
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_long_numbers_stay_in_their_box(visit, odd, width):
    for path in (odd, "/largenumbers/"):
        page = visit(path, width=width)
        assert page.evaluate(WIDE) <= 0
        box = page.locator("#answer [data-figure]").bounding_box()
        panel = page.locator("#answer").bounding_box()
        assert box["x"] + box["width"] <= panel["x"] + panel["width"]
        assert "e+" not in page.locator("form.fields").inner_text()
    entry = page.get_by_label("Revenue")
    assert "." not in entry.input_value()
    assert entry.evaluate("(input) => input.scrollWidth <= input.clientWidth")


@table("largenumbers", "income", large_numbers)
def test_an_open_menu_stays_on_a_phone(visit, odd):
    page = visit(odd, width=320)
    for summary in page.locator(".menu summary").all():
        summary.click()
        assert page.evaluate(WIDE) <= 0
        summary.click()


@table("largenumbers", "income", large_numbers)
def test_script_and_server_write_points_alike(visit, odd):
    assert visit(odd).locator(".sum td.number").all_inner_texts() == (
        visit(odd, script=False).locator(".sum td.number").all_inner_texts()
    )


@table("oddfields", "sign", odd_names)
def test_script_and_server_draw_a_curve_alike(visit, odd):
    read = "(lines) => lines.map((line) => line.getAttribute('points').split(/[ ,]/).map(Number))"
    ours, theirs = (
        visit(odd, script=script).locator(".what-if polyline").evaluate_all(read) for script in (True, False)
    )
    assert [len(line) for line in ours] == [len(line) for line in theirs]
    for line, other in zip(ours, theirs, strict=True):
        assert line == pytest.approx(other, abs=0.1)


@table("oddfields", "sign", odd_names)
def test_a_chart_has_an_address(visit, odd):
    page = visit(odd.replace("probability", "curves") + "#answer", script=False)
    expect(page.locator(":target h3")).to_have_text("Answer")


def test_the_end_of_a_range_has_no_exponent():
    assert [bound(number) for number in (7.87238e9, 1.319e-6, -81.5, 0)] == [
        "7872380000",
        "0.000001319",
        "-81.5",
        "0",
    ]

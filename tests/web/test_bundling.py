"""Modules joined into one script, and styles without what a page does not use."""

import re
from pathlib import Path

import pytest
from flask import Flask

from glassform.web.bundling import STATIC, Bundle, NotBundled, bundled, digest, in_order, joined, trimmed


@pytest.fixture
def written(tmp_path: Path):
    """Write modules into a folder."""

    def write(**modules: str) -> Path:
        for name, text in modules.items():
            (tmp_path / f"{name}.js").write_text(text)
        return tmp_path

    return write


def test_each_module_comes_once_and_after_what_it_needs(written):
    folder = written(
        a='import { b } from "./b.js";\nimport { c } from "./c.js";\nimport "./d.js";\nb(c);',
        b='import { c } from "./c.js";\nexport function b() { return c; }',
        c="export const c = 1; // and so on",
        d="const d = 4;",
    )
    assert [*in_order("a.js", folder)] == ["c.js", "b.js", "d.js", "a.js"]
    assert joined("a.js", folder).count("const c = 1;") == 1


def test_the_script_does_what_the_modules_do(written, browser):
    """Names of one module are not those of another."""
    folder = written(
        a='import { twice, ONE } from "./b.js";\nconst all = 3;\nwindow.found = [twice(all), ONE, typeof hidden];',
        b="const all = 2;\nconst hidden = 1;\nexport function twice(number) { return all * number; }\n"
        "export const ONE = hidden;",
    )
    page = browser.new_page()
    page.evaluate(joined("a.js", folder))
    assert page.evaluate("[window.found, typeof twice]") == [[6, 1, "undefined"], "undefined"]
    page.close()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('import all from "./b.js";', "import is not understood"),
        ('import * as all from "./b.js";', "import is not understood"),
        ('import { b as c } from "./b.js";', "import is not understood"),
        ('import {\n  b,\n} from "./b.js";', "import is not understood"),
        ('import { b } from "https://example.org/b.js";', "import is not understood"),
        ('import { b } from "../b.js";', "import is not understood"),
        ('import { b } from "b";', "import is not understood"),
        ('const b = await import("./b.js");', "import"),
        ("const here = import.meta.url;", "import"),
        ("export default 1;", "export is not understood"),
        ("export { b };", "export is not understood"),
        ('export * from "./b.js";', "export is not understood"),
        ("export class B {}", "export is not understood"),
        ("export let b = 1;", "export is not understood"),
        ("await b();", "await is not understood"),
        ('import { x } from "./b.js";', "b.js does not export x"),
        ('import { c } from "./c.js";', "c.js is not there"),
        ('import "./a.js";', "a.js imports a.js: a circle"),
    ],
)
def test_what_is_not_understood_is_refused(written, text, reason):
    folder = written(a=text, b="export const b = 1;")
    with pytest.raises(NotBundled, match=re.escape(reason)):
        joined("a.js", folder)


def test_a_comment_may_speak_of_imports(written):
    assert "// import what you like" in joined("a.js", written(a="// import what you like\nconst a = 1;"))


@pytest.mark.parametrize("text", ["const a = '</script>';", "const a = '<!-- ';", "const a = '</SCRIPT >';"])
def test_nothing_ends_its_element_early(text):
    with pytest.raises(NotBundled):
        Bundle(text, "")
    with pytest.raises(NotBundled):
        Bundle("", text)


def test_rules_of_other_pages_are_left_out():
    style = """
    /* .note { } */
    :root { --ink: #000; }
    .here, .elsewhere { color: red; }
    .elsewhere { color: blue; }
    .here .elsewhere { color: blue; }
    .here:not(.elsewhere, :has(.far)) { color: green; }
    .class-3 { color: black; }
    @media print { .here { top: 0; } .elsewhere { top: 0; } }
    @media (max-width: 3rem) { .elsewhere { top: 0; } }
    """
    assert trimmed(style, {"here", "class-"}).splitlines() == [
        ":root {--ink: #000;}",
        ".here, .elsewhere {color: red;}",
        ".here:not(.elsewhere, :has(.far)) {color: green;}",
        ".class-3 {color: black;}",
        "@media print {.here {top: 0;}}",
    ]


@pytest.mark.parametrize("style", [".a { color: red;", "color: red;"])
def test_a_rule_without_an_end_is_refused(style):
    with pytest.raises(NotBundled):
        trimmed(style, {"a"})


def test_the_policy_allows_one_script_and_one_style(app: Flask):
    with app.app_context():
        bundle = bundled("take-home.js", "answers/takehome.html", "style.css")
    assert f"script-src '{digest(bundle.script)}'; style-src '{digest(bundle.style)}'" in bundle.policy
    assert bundle.policy.startswith("default-src 'none'") and "unsafe" not in bundle.policy


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.css")), ids=lambda path: path.name)
def test_every_style_sheet_is_understood(path):
    text = path.read_text(encoding="utf-8")
    assert len(trimmed(text, {*re.findall(r"[\w-]+", text)})) > 0.9 * len(re.sub(r"/\*.*?\*/|\s{2,}", "", text))

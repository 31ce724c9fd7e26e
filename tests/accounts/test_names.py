"""Names: which there can be, and which are the same."""

import pytest

from glassform.accounts.names import composed, folded, is_name


@pytest.mark.parametrize(
    "name",
    ["ann", "ok.name-1@x_y", "203.0.113.7", "123", "李小龙", "Иван", "Νίκος", "नमस्ते", "田中さん", "タロー", "김철수",
     "Işık", "Zoë", "Nguyễn", "Łukasz", "محمد", "שלום", "ａｎｎ", "a\u0301nn", "тест", "Ωmega"[1:], "佐々木"],
)  # fmt: skip
def test_a_name_is_of_letters_of_one_script_digits_and_marks(name):
    assert is_name(composed(name))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("аnn", "a Cyrillic letter among Latin ones"), ("pаypаl", "two"), ("Ωmega", "a Greek one"),
        ("раура", "Cyrillic letters alone, all of which look Latin"), ("МАХ", "the same in capitals"),
        ("ΑΝΝΑ", "Greek ones"), ("ɑnn", "a phonetic letter"), ("ǃann", "a click"), ("ʼann", "a modifier"),
        ("ann৪", "a digit of another script"), ("ann\u200d", "one that cannot be seen"), ("an\u00adn", "a hyphen"),
        ("x\u0336yz", "a stroke over a letter"), ("\u202eann", "one that turns the direction"), ("a b c", "spaces"),
        ("...", "marks alone"), ("ab", "short"), ("a" * 61, "long"), ("ΐ" * 60, "folds to 180 letters"),
        ("<b>", "signs"), ("a/bc", "a slash"), ("a\nbc", "a line"), ("a\0bc", "nothing"), ("ann\ud800", "half a one"),
        ("ann🙂", "a picture"), ("ꓮꓠꓠ", "a script of another time or place"), ("李wang", "two scripts"),
    ],
)  # fmt: skip
def test_no_name_holds_look_alikes_or_what_cannot_be_seen(name, why):
    assert not is_name(composed(name)), why


@pytest.mark.parametrize(
    ("one", "other"),
    [("ann", "ANN"), ("ann", "ａｎｎ"), ("fiona", "ﬁona"), ("strasse", "Straße"), ("admin", "admın"),
     ("ádám", "a\u0301dám"), ("kelvin", "\u212aelvin")],
)  # fmt: skip
def test_names_are_the_same_however_they_are_written(one, other):
    assert folded(one) == folded(other)

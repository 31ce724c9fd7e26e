"""Names of accounts: which there can be, and which count as the same."""

import re
from unicodedata import category, name, normalize

from glassform.limits import LONGEST_NAME, SHORTEST_NAME

LONGEST_FOLDED = 120  # letters in the database; some letters fold to three
MARKS = "._-@"
# Of Latin what names are written with. The rest of Unicode's Latin is phonetic, and much of it looks like a, g or i.
LATIN = re.compile("[A-Za-zÀ-ÖØ-öø-žƏəƠơƯưǍ-ǜȘ-țḀ-\u1eff]")
# The scripts in use today (Unicode, annex 31); some letters of the others look like Latin ones.
SCRIPTS = {
    *("ARABIC", "ARMENIAN", "BENGALI", "BOPOMOFO", "CJK", "CYRILLIC", "DEVANAGARI", "ETHIOPIC", "GEORGIAN", "GREEK"),
    *("GUJARATI", "GURMUKHI", "HANGUL", "HEBREW", "HIRAGANA", "KANNADA", "KATAKANA", "KHMER", "LAO", "LATIN"),
    *("MALAYALAM", "MYANMAR", "ORIYA", "SINHALA", "TAMIL", "TELUGU", "THAANA", "THAI", "TIBETAN"),
}
EAST_ASIAN = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "HANGUL"}, {"CJK", "BOPOMOFO"})  # written together
OF_NO_SCRIPT = {"々": "CJK", "〆": "CJK", "ー": "KATAKANA"}
# A name of nothing but these could be taken for a Latin one.
LOOK_LATIN = frozenset(
    "аеорсухѕіјԁԛԝһӏѵАВЕКМНОРСТХУЅІЈԚԜҺӀѴ"  # Cyrillic
    "ονυιαρκγχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"  # Greek
    "օոսհցքՕՏԼ"  # Armenian
)
SAME = {0x131: "i"}  # the dotless letter of Turkish


def composed(given: str) -> str:
    """Return a name as it is kept: wide letters, ligatures and the like as plain ones (NFKC)."""
    return normalize("NFKC", given)


def folded(given: str) -> str:
    """Return what two names have in common that count as the same: in small letters, and as composed."""
    return composed(composed(given).casefold()).translate(SAME)


def is_name(given: str) -> bool:
    """Tell whether a composed name can be an account's: letters of one script, digits and marks."""
    if not SHORTEST_NAME <= len(given) <= LONGEST_NAME or len(given.casefold()) > LONGEST_FOLDED:
        return False
    letters = [each for each in given if not (each in MARKS or (each.isascii() and each.isdecimal()))]
    scripts = {script_of(each) for each in letters}
    if letters and LOOK_LATIN.issuperset(letters):
        return False
    together = len(scripts) <= 1 or any(scripts <= each for each in EAST_ASIAN)
    return together and scripts <= SCRIPTS and any(each.isalnum() for each in given)


def script_of(letter: str) -> str:
    """Return a letter's script; empty if names are not written with it."""
    if category(letter)[0] not in "LM" or (category(letter) == "Lm" and letter not in OF_NO_SCRIPT):
        return ""
    script = OF_NO_SCRIPT.get(letter) or name(letter, "").partition(" ")[0]
    return "" if script == "LATIN" and not LATIN.fullmatch(letter) else script

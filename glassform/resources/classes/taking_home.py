"""What a class has to show in the take-home file."""

from typing import Any

from glassform.classroom.results import results_of
from glassform.languages import gettext, ngettext
from glassform.resources.classes.entering import found


def to_take_home(code: str) -> dict[str, Any]:
    """Return the results of a class, as far as they are revealed: a sentence, the scores, and the calibration.

    Raises
    ------
    Ended
        If there is no such class.
    """
    room = found(code)  # the file is of the table that the address names, whatever the class guesses
    results = results_of(room)
    always = gettext("%(share)s%% always", share=f"{100 * results['always']:.0f}")
    titles = {"class": gettext("Class"), "model": gettext("Model"), "always": always}
    brier, bins = results["brier"] or {}, results["calibration"] or {}
    return {
        "summary": summary(len(room.guesses), results["joined"]),
        "scores": [
            {"title": title, "score": brier[name]["score"], "interval": brier[name]["interval"]}
            for name, title in titles.items()
            if name in brier
        ],
        "calibration": [
            {
                "title": titles[name],
                "groups": [
                    {"predicted": each["predicted"], "observed": each["actual"], "rows": each["count"]}
                    for each in groups
                ],
            }
            for name, groups in bins.items()
        ],
    }


def summary(guesses: int, joined: int) -> str:
    """Say how many guesses there were, and of how many phones."""
    told: str = ngettext(
        "%(num)s phone made %(guesses)s guesses.",
        "%(num)s phones made %(guesses)s guesses.",
        joined,
        guesses=guesses,
    )
    return told

"""Nicknames: an animal and a colour, so that nobody types a name."""

from glassform.languages import gettext, lazy_gettext

COLOURS = [
    lazy_gettext("Red"),
    lazy_gettext("Orange"),
    lazy_gettext("Yellow"),
    lazy_gettext("Green"),
    lazy_gettext("Blue"),
    lazy_gettext("Purple"),
    lazy_gettext("Pink"),
    lazy_gettext("Brown"),
    lazy_gettext("Grey"),
    lazy_gettext("Silver"),
    lazy_gettext("Turquoise"),
    lazy_gettext("Golden"),
]
ANIMALS = [
    lazy_gettext("owl"),
    lazy_gettext("fox"),
    lazy_gettext("bear"),
    lazy_gettext("whale"),
    lazy_gettext("frog"),
    lazy_gettext("horse"),
    lazy_gettext("tiger"),
    lazy_gettext("rabbit"),
    lazy_gettext("penguin"),
    lazy_gettext("dolphin"),
    lazy_gettext("camel"),
    lazy_gettext("swan"),
    lazy_gettext("hedgehog"),
    lazy_gettext("otter"),
    lazy_gettext("panda"),
    lazy_gettext("parrot"),
    lazy_gettext("squirrel"),
    lazy_gettext("turtle"),
    lazy_gettext("wolf"),
    lazy_gettext("zebra"),
]
MOST_NICKNAMES = len(COLOURS) * len(ANIMALS)


def nickname(number: int) -> str:
    """Return a nickname in the language of the answer."""
    animal, colour = divmod(number, len(COLOURS))
    return gettext("%(colour)s %(animal)s", colour=str(COLOURS[colour]), animal=str(ANIMALS[animal]))

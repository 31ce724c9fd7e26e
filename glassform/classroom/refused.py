"""What a class refuses, each with a page that says what to do now."""

from http import HTTPStatus

from glassform.languages import gettext
from glassform.refusals import Refusal


class RefusedByClass(Refusal):
    """A request that a class refuses; its page leads back to where one joins."""

    template = "classes/refused.html"

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.fields = {"code": code}


class Ended(RefusedByClass):
    """There is no such class: it has ended, or there never was one."""

    status = HTTPStatus.NOT_FOUND

    def __init__(self, code: str) -> None:
        super().__init__(
            gettext(
                "There is no class %(code)s here. Look at the code again. If the class has ended, all that was kept "
                "of it is deleted.",
                code=code,
            )
        )


class ClassFull(RefusedByClass):
    """All places of a class are taken."""

    status = HTTPStatus.CONFLICT

    def __init__(self, size: int, code: str) -> None:
        text = gettext("All %(size)s places of this class are taken. Share a phone, or ask your teacher.", size=size)
        super().__init__(text, code)


class TooManyClasses(RefusedByClass):
    """There are too many classes at once."""

    status = HTTPStatus.CONFLICT

    def __init__(self, most: int) -> None:
        super().__init__(gettext("There are %(most)s classes already. End one of them first.", most=most))


class NotJoined(RefusedByClass):
    """Nobody in the class has this token."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, code: str) -> None:
        super().__init__(gettext("This phone has not joined the class."), code)


class NotTheTeacher(RefusedByClass):
    """The address does not hold the teacher's key."""

    status = HTTPStatus.FORBIDDEN

    def __init__(self, code: str) -> None:
        super().__init__(gettext("Only the teacher's link leads here: it ends in a key."), code)


class NotHere(RefusedByClass):
    """Only the computer that serves the class may do this."""

    status = HTTPStatus.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(gettext("A class is started on the computer that serves it, not from another one."))


class NotAsked(RefusedByClass):
    """A guess or a vote that the class does not ask for now."""

    status = HTTPStatus.CONFLICT

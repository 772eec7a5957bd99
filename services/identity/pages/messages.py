"""Every refusal that a page can meet, as a sentence in the reader's language (M-05 … M-08, M-31 and those of forms)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from services.identity import commands
from services.identity.pages.browser import Mistake, Visit
from services.identity.pages.texts import day, hour, later, say
from shared.http import kinds
from shared.http.problems import RETRY_SOON, kind_of
from shared.refusals import Refusal

Words = Callable[[Any, str], str]

MISTAKES: Final[dict[type[Refusal], Words]] = {
    commands.PasswordTooShort: lambda no, language: say(
        language, "The password has fewer than %(least)s characters.", least=no.shortest
    ),
    commands.PasswordTooLong: lambda no, language: say(
        language, "The password has more than %(most)s characters.", most=no.longest
    ),
    commands.PasswordTellsYou: lambda _, language: say(
        language, "The password contains your name, your address or your organisation’s name."
    ),
    commands.PasswordCommon: lambda _, language: say(language, "This password is among those that are tried first."),
    commands.WrongAddressOrPassword: lambda _, language: say(language, "This is not the password of your account."),
    commands.TooManyAttempts: lambda no, language: say(
        language, "Too many attempts. Try again after %(time)s.", time=hour(no.again_at, language)
    ),
}
"""What can be wrong with a password that was typed."""


@dataclass(frozen=True)
class Ended:
    """A page that says why it goes no further, and what to do instead."""

    heading: str
    text: Words
    action: str = ""


ENDED: Final[dict[type[Refusal], Ended]] = {
    commands.InvitationOver: Ended(
        later("This invitation has ended"),
        lambda no, language: say(
            language, "This invitation ended on %(date)s. Ask for a new one.", date=day(no.ended_at, language, "UTC")
        ),
    ),
    commands.InvitationUnknown: Ended(
        later("We do not know this invitation"),
        lambda _, language: say(language, "No invitation has this code. Copy all of it from the newest e-mail."),
        "code",
    ),
    commands.InvitationUsed: Ended(
        later("Already accepted"),
        lambda _, language: say(language, "This invitation has already been used. Sign in."),
        "sign-in",
    ),
    commands.InvitationReplaced: Ended(
        later("There is a newer invitation"),
        lambda no, language: say(
            language, "A newer invitation was sent on %(date)s. Use that one.", date=day(no.newer_sent_at, language, "UTC")
        ),
        "code",
    ),
    commands.InviterLostRight: Ended(
        later("This invitation no longer holds"),
        lambda _, language: say(language, "Whoever invited you may no longer give this access. Ask them for a new invitation."),
    ),
    commands.AccountElsewhere: Ended(
        later("This address belongs to another organisation"),
        lambda _, language: say(
            language, "One work account belongs to one organisation. Ask to be invited with another address."
        ),
    ),
    commands.UntrustedRequest: Ended(
        later("We do not know the site that sent you here"),
        lambda _, language: say(language, "Go back to the site and try again, or tell its owner."),
    ),
}
"""Refusals that have a page of their own."""


def password_mistake(visit: Visit, no: Refusal) -> Mistake | None:
    """What to say beside the password, if it is the password that was refused."""
    words = MISTAKES.get(type(no))
    return Mistake(words(no, visit.language), "password") if words else None


def ended_page(visit: Visit, no: Refusal) -> Response:
    """The page for a refusal that ends the visit; raises one that has none, for the common door."""
    ended = ENDED.get(type(no))
    if ended is None:
        raise no
    return visit.page(
        "message.html",
        status=status_of(no),
        problem=no.slug(),
        heading=say(visit.language, ended.heading),
        text=ended.text(no, visit.language),
        action=ended.action,
    )


def plain_page(visit: Visit, heading: str, text: str, *, status: int, problem: str, action: str = "") -> Response:
    """A page with a sentence of the catalogue."""
    return visit.page(
        "message.html",
        status=status,
        problem=problem,
        heading=say(visit.language, heading),
        text=say(visit.language, text),
        action=action,
    )


def not_ours_page(visit: Visit) -> Response:
    """For a form that was not filled in on our page, or on one that is a day old."""
    return plain_page(
        visit,
        later("This page was open for too long"),
        later("Nothing was sent. Open the page again and repeat what you typed."),
        status=403,
        problem="form-not-ours",
    )


def busy_page(visit: Visit) -> Response:
    """While more passwords are being checked than this process can."""
    page = plain_page(
        visit,
        later("One moment, please"),
        later("Many people are signing in at this moment. Try again in a few seconds."),
        status=503,
        problem="passwords-busy",
    )
    page.headers["Retry-After"] = "2"
    return page


def away_page(visit: Visit) -> Response:
    """While the database is away."""
    page = plain_page(
        visit,
        later("One moment, please"),
        later("A part of ours does not answer at this moment. Try again in a few seconds."),
        status=kinds.DATABASE_AWAY.status,
        problem=kinds.DATABASE_AWAY.slug,
    )
    page.headers.update(RETRY_SOON)
    return page


def status_of(no: Refusal) -> int:
    """The refusal's status."""
    return kind_of(type(no)).status

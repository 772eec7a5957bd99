"""Names of people and organisations as they stand in greetings and subjects: nobody sends a link or markup by our mail.

A name goes out in mail that is signed as the vendor's, to addresses that whoever typed the name has chosen too. What mail
programs would make a link of is therefore refused where it comes in; in mails it would be made harmless besides.
"""

import re
import unicodedata
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

LONGEST: Final = 100
"""Characters; what fits a mail's subject and a narrow page."""

Why = Literal["link-in-name", "markup-in-name", "unseen-in-name"]

_SENTENCES: Final[dict[Why, str]] = {
    "link-in-name": "A name can't hold a web or mail address; an abbreviation's dot is followed by a space",
    "markup-in-name": "A name can't hold < or >",
    "unseen-in-name": "A name can't hold characters that nobody sees",
}

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of control, format and unassigned characters, and of line ends."""

_JOINERS: Final = "\u200c\u200d"
"""Unseen, but letters of Persian and Indic names hang on them."""

_BLANK: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs by their category, of which nothing is seen."""

_DOMAIN: Final = re.compile(r"\w[.\u3002][^\W\d_]{2,}")
_LINK: Final = re.compile(
    rf"[a-z][\w+.-]*:/|//|\b(?:mailto|tel|sms|data|javascript):|\bwww[.\u3002]|@|{_DOMAIN.pattern}[/:?#]", re.IGNORECASE
)


def hangs_on(letter: str) -> bool:
    """Whether it only changes how its neighbours look: a mark, a variation, a joiner. A link is one with them or without."""
    return letter in _JOINERS or unicodedata.category(letter).startswith("M")


def _plain(text: str) -> str:
    """The name on one line in one spelling, if it may go out."""
    bare = _bare(text)
    if not bare or any(map(_unseen, text)):
        raise _refusal("unseen-in-name")
    if "<" in bare or ">" in bare:
        raise _refusal("markup-in-name")
    if _LINK.search(bare):
        raise _refusal("link-in-name")
    return " ".join(unicodedata.normalize("NFC", text).split())


def _without_domain(text: str) -> str:
    if _DOMAIN.search(_bare(text)):
        raise _refusal("link-in-name")
    return text


def _unseen(letter: str) -> bool:
    return letter in _BLANK or (unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS)


def _bare(text: str) -> str:
    """What links are looked for in."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text) if not hangs_on(letter)).strip()


def _refusal(why: Why) -> PydanticCustomError:
    return PydanticCustomError(why, "{sentence}", {"sentence": _SENTENCES[why]})


OrganisationName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST), AfterValidator(_plain)
]
"""The name of an organisation, an account or a place. `Booking.com B.V.` is one: the vendor's back office states them."""

PersonName = Annotated[OrganisationName, AfterValidator(_without_domain)]
"""A given or family name, which whoever invites somebody may choose: no domain stands in one."""

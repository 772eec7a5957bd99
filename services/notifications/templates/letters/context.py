"""What all letters are written with: the reader's language, what is known besides the event, and where links lead."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifications.model import Background
from services.notifications.templates.language import Language, Phrase, Strong, harmless
from services.notifications.templates.parts import Button, Note
from shared.addresses import EmailAddress
from shared.contracts.provisioning import Edition


@dataclass(frozen=True)
class Addresses:
    """Public base URLs: identity's, and the portal's if there is one."""

    links: str
    portal: str | None


@dataclass(frozen=True)
class Context:
    """Everything a letter is written with besides its event."""

    language: Language
    email: EmailAddress
    background: Background
    addresses: Addresses
    event_id: UUID

    def with_secret(self, label: Phrase, base: str, page: str) -> Button:
        """A button whose link carries the secret in its fragment, which no server and no log sees."""
        secret = self.background.secret
        url = f"{base}/{page}#{secret}"
        other = f"{base}/{page}?lang={self.language.other}#{secret}"
        return Button(label, url, other, page=f"{base}/{page}", code=secret)

    def to_portal(self, label: Phrase, path: str) -> Button | None:
        """A button to a page of the portal; None where there is no portal."""
        portal = self.addresses.portal
        if portal is None:
            return None
        return Button(label, f"{portal}/{path}", f"{portal}/{path}?lang={self.language.other}")

    def register_with(self) -> Phrase:
        """The address that the invitation is for."""
        return self.language.say("Register with this address: %(email)s", email=Strong(self.email.shown))

    def link_ends(self, sent: datetime, ends: datetime) -> Note:
        """How long the link can be used, as a number of days and as a moment."""
        days = (ends - sent).days
        left = self.language.count("%(n)s day", "%(n)s days", days)
        return Note(
            self.language.say(
                "The link can be used once. It ends in %(days)s, on %(moment)s.",
                days=Strong(left.text),
                moment=self.language.moment(ends),
            )
        )

    def edition(self, edition: Edition) -> str:
        """The edition's name in this language, or in whichever it has."""
        return harmless(edition.names.get(self.language.code) or next(iter(edition.names.values()), edition.sku))

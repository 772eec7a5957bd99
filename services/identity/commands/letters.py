"""What an invitation's mail alone may show."""

from services.identity.model import Designation, InvitationDraft
from services.identity.ports import Ports
from services.identity.rules import Letter
from shared.ids import hashed


def seal_letter(ports: Ports, person: Designation | InvitationDraft, *, inviter_name: str) -> Letter:
    """A new invitation's id and secret, the secret and all that is personal sealed to notifications."""
    invitation_id, secret = ports.new_id(), ports.new_token()
    values = {
        "email": person.email,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "inviter_name": inviter_name,
        "secret": secret,
    }
    return Letter(invitation_id, hashed(secret), ports.seal(invitation_id, values))

"""E1 to the administrator whom an agreement designates, E2 to a colleague."""

from services.notifications.templates.language import Language, Phrase, Strong, harmless, shown
from services.notifications.templates.letters.context import Context
from services.notifications.templates.parts import Facts, Letter, Note, Paragraph, Points
from shared.contracts.identity import InvitationSent
from shared.words import ROLE_NAMES

PAGE = "i"


def invitation(event: InvitationSent, context: Context) -> Letter:
    """E1: the agreement names you; register, and what you can do then."""
    say = context.language.say
    number, legal_name = harmless(event.agreement_number), harmless(event.legal_name)
    return Letter(
        subject=say("Set up your organisation’s account"),
        preheader=say("You are named administrator in agreement %(number)s", number=number),
        parts=(
            Paragraph(
                say(
                    "%(organisation)s has signed agreement %(number)s, which names you as its administrator. "
                    "That is why you get this message.",
                    organisation=Strong(legal_name),
                    number=Strong(number),
                )
            ),
            Paragraph(context.register_with()),
            Points(
                say("What you will be able to do"),
                (
                    say("Invite colleagues and give them their roles"),
                    say("Associate your domain, so that everybody signs in with their work address"),
                    say("Set up online services and see at any time what you have"),
                ),
            ),
        ),
        button=context.with_secret(say("Get started now"), context.addresses.links, PAGE),
        notes=(
            context.link_ends(event.occurred_at, event.expires_at),
            Note(
                say(
                    "This is not you? Your partner %(partner)s can change who is named.",
                    partner=Strong(harmless(event.partner_name)),
                )
            ),
        ),
    )


def welcome(event: InvitationSent, context: Context) -> Letter:
    """E2: a colleague gives you access, with these roles."""
    say = context.language.say
    legal_name = harmless(event.legal_name)
    inviter = harmless(context.background.named_by) or legal_name
    names = [harmless(name) for name in event.account_names] or [legal_name]
    roles = [_role(context.language, role) for role in event.roles]
    role_names = context.language.enumerate([name.text for name, _ in roles])
    return Letter(
        subject=say(
            "%(inviter)s has given you access to %(account)s", inviter=inviter, account=context.language.enumerate(names)
        ),
        preheader=context.language.count("Your role: %(roles)s", "Your roles: %(roles)s", len(roles), roles=role_names),
        parts=(
            Paragraph(
                say("%(inviter)s invites you to work with licences and services.", inviter=Strong(inviter)),
            ),
            Facts(
                (
                    (say("Organisation"), shown(legal_name)),
                    (
                        context.language.count("Account", "Accounts", len(names)),
                        shown(context.language.enumerate(names)),
                    ),
                )
            ),
            Points(
                context.language.count("What your role allows", "What your roles allow", len(roles)),
                tuple(
                    say("%(role)s: %(allows)s", role=Strong(name.text), allows=allows.text) if allows else name
                    for name, allows in roles
                ),
            ),
            Paragraph(context.register_with()),
        ),
        button=context.with_secret(say("Accept and sign in"), context.addresses.links, PAGE),
        notes=(
            context.link_ends(event.occurred_at, event.expires_at),
            Note(
                say(
                    "You do not know %(inviter)s? Leave this message unanswered: nothing happens without you.",
                    inviter=inviter,
                )
            ),
        ),
    )


def _role(language: Language, role: str) -> tuple[Phrase, Phrase | None]:
    """A role's name and what it allows, in one line; one that is newer than this version goes by its code."""
    say = language.say
    allows = {
        "account_admin": say("everything: users, domains, services, orders"),
        "agreement_admin": say("see agreements, invite other Agreement Admins"),
        "user_admin": say("invite and manage users"),
        "account_manager": say("set up services, assign seats, associate domains"),
        "report_viewer": say("see the inventory, orders, reports and keys"),
        "account_viewer": say("see the inventory, orders and reports"),
    }
    name = ROLE_NAMES[language.code].get(role) or harmless(role.replace("_", " "))
    return shown(name), allows.get(role)

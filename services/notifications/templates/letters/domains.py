"""E3 to whom a domain's administration is offered; E6 and E7 to who offered it."""

from services.notifications.templates.language import Strong, clean, harmless, shown
from services.notifications.templates.letters.context import Context
from services.notifications.templates.parts import Letter, Note, Paragraph, Part, Points
from shared.contracts.domains import AdminDeclined, AdminNominated, DomainVerified

PAGE = "n"


def nomination(event: AdminNominated, context: Context) -> Letter:
    """E3: will you administer this domain; what that means; you may decline."""
    say = context.language.say
    domain, legal_name = clean(event.display), harmless(event.legal_name)
    nominator = harmless(context.background.named_by) or legal_name
    return Letter(
        subject=say("Will you be the administrator of %(domain)s?", domain=domain),
        preheader=say("%(nominator)s has named you", nominator=nominator),
        parts=(
            Paragraph(
                say(
                    "%(nominator)s (%(organisation)s) asks you to be the global administrator of %(domain)s.",
                    nominator=Strong(nominator),
                    organisation=legal_name,
                    domain=Strong(domain),
                )
            ),
            Points(
                say("What it means"),
                (
                    say("You prove with one record in the DNS that %(domain)s is your organisation’s", domain=domain),
                    say("You will need access to the DNS, or somebody who has it"),
                    say("Then everybody with an address at %(domain)s can sign in to the services", domain=domain),
                ),
            ),
        ),
        button=context.with_secret(say("Get started now"), context.addresses.portal or context.addresses.links, PAGE),
        notes=(
            context.link_ends(event.occurred_at, event.expires_at),
            Note(say("You may decline: we then tell %(nominator)s, who can name somebody else.", nominator=nominator)),
        ),
    )


def verified(event: DomainVerified, context: Context) -> Letter:
    """E6: the domain is proved; users can sign in, and services that waited become usable."""
    say = context.language.say
    domain = clean(event.display)
    names = tuple(shown(harmless(name)) for name in context.background.account_names)
    waited: Part = (
        Points(say("Services that were waiting for the domain become usable now, for"), names)
        if names
        else Paragraph(say("Services that were waiting for the domain become usable now."))
    )
    return Letter(
        subject=say("%(domain)s is verified", domain=domain),
        preheader=say("Users can sign in"),
        parts=(
            Paragraph(
                say(
                    "Everybody with an address at %(domain)s can now sign in to the services for which they have a seat.",
                    domain=Strong(domain),
                )
            ),
            waited,
        ),
        button=context.to_portal(say("See licences and services"), "inventory"),
    )


def declined(event: AdminDeclined, context: Context) -> Letter:
    """E7: whom you named said no; name somebody else."""
    say = context.language.say
    domain = clean(event.display)
    nominee = harmless(context.background.declined_by) or say("The person you named").text
    return Letter(
        subject=say("%(nominee)s will not be the administrator of %(domain)s", nominee=nominee, domain=domain),
        preheader=say("Name somebody else"),
        parts=(
            Paragraph(
                say(
                    "%(nominee)s, whom you asked to administer %(domain)s, has declined.",
                    nominee=Strong(nominee),
                    domain=Strong(domain),
                )
            ),
            Paragraph(
                say(
                    "Name somebody else with an address at %(domain)s: until the domain is verified, "
                    "nobody can sign in to its services.",
                    domain=domain,
                )
            ),
        ),
        button=context.to_portal(say("Name somebody else"), "domains"),
    )

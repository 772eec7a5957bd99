"""E8 when a request was received, E4 when a service is ready; both to the person who ordered."""

from services.notifications.templates.language import Strong, harmless, shown
from services.notifications.templates.letters.context import Context
from services.notifications.templates.parts import Callout, Facts, Letter, Note, Paragraph, Points
from shared.contracts.provisioning import OrderPlaced, ServiceProvisioned


def received(event: OrderPlaced, context: Context) -> Letter:
    """E8: what was asked for, until when it is ready, and what comes next (R-22)."""
    language, say = context.language, context.language.say
    by = language.moment(event.ready_by)
    lines = tuple(
        (
            shown(context.edition(line.edition)),
            language.count(
                "%(n)s (renews on %(day)s)", "%(n)s (renew on %(day)s)", line.quantity, day=language.day(line.renews_on)
            ),
        )
        for line in event.lines
    )
    return Letter(
        subject=say("We have received your request %(number)s", number=harmless(event.number)),
        preheader=say("Ready by %(moment)s at the latest", moment=by),
        parts=(
            Paragraph(say("You asked for these services for %(account)s:", account=Strong(harmless(event.account_name)))),
            Facts(lines),
            Paragraph(
                say(
                    "We are setting them up. An email will tell you the date from which they can be used, "
                    "by %(moment)s at the latest.",
                    moment=Strong(by),
                )
            ),
            *(() if event.domain_verified else (_no_domain(context),)),
        ),
        button=context.to_portal(say("Follow it live"), f"orders/{event.order_id}"),
    )


def ready(event: ServiceProvisioned, context: Context) -> Letter:
    """E4: what is ready and from when, who can use it, and the step that is left if no domain is verified (R-16, R-23)."""
    language, say = context.language, context.language.say
    edition, quantity = context.edition(event.edition), event.quantity or event.available
    day = language.day_of(event.usable_from)
    subject = (
        language.count(
            "Ready: %(n)s %(edition)s, usable from %(day)s", "Ready: %(n)s %(edition)s, usable from %(day)s", quantity,
            edition=edition, day=day,
        )
        if event.usable
        else say("Ready: %(n)s %(edition)s, a domain is missing", n=language.number(quantity), edition=edition)
    )  # fmt: skip
    added = ((say("Added now"), shown(language.number(event.quantity))),) if event.quantity else ()
    since = say("Usable from") if event.usable else say("Set up on")
    return Letter(
        subject=subject,
        preheader=say(
            "For %(account)s, order %(number)s", account=harmless(event.account_name), number=harmless(event.order_number)
        ),
        parts=(
            Paragraph(say("Your request %(number)s has been set up.", number=Strong(harmless(event.order_number)))),
            *(() if event.usable else (_no_domain(context),)),
            Facts(
                (
                    (say("Edition"), shown(Strong(edition))),
                    *added,
                    (say("At your disposal"), shown(language.number(event.available))),
                    (since, shown(language.moment(event.usable_from))),
                    (say("Account"), shown(harmless(event.account_name))),
                )
            ),
            _who_can_use_it(context) if event.usable else _steps_left(context),
        ),
        button=context.to_portal(say("See licences and services"), "inventory"),
        notes=_billed(context),
    )


def _who_can_use_it(context: Context) -> Paragraph:
    return Paragraph(context.language.say("Everybody who has been assigned a seat can use the service from then on."))


def _steps_left(context: Context) -> Points:
    say = context.language.say
    return Points(
        say("What is left to do"),
        (
            say("Associate your organisation’s domain with this account"),
            say("Name the person who administers the domain"),
            say("That person proves it with one record in the DNS; we then write to you again"),
        ),
        numbered=True,
    )


def _no_domain(context: Context) -> Callout:
    """M-44."""
    say = context.language.say
    return Callout(say("You must associate a domain now"), say("Nobody can sign in to these services until it is verified."))


def _billed(context: Context) -> tuple[Note, ...]:
    partner = harmless(context.background.partner_name)
    if not partner:
        return ()
    return (
        Note(
            context.language.say(
                "With the first seat that is assigned, your partner %(partner)s is told, so that they can bill you.",
                partner=partner,
            )
        ),
    )

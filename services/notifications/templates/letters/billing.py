"""E5 to the partner: services are in use that it has not ordered yet."""

from services.notifications.templates.language import Strong, harmless, shown
from services.notifications.templates.letters.context import Context
from services.notifications.templates.parts import Facts, Letter, Paragraph
from shared.contracts.provisioning import BillingDue


def billing_due(event: BillingDue, context: Context) -> Letter:
    """E5: what to order and bill, since when, and under which reference (R-23, R-26)."""
    language, say = context.language, context.language.say
    due, edition, customer = event.quantities.due, context.edition(event.edition), harmless(event.legal_name)
    since = language.day_of(event.first_used_at)
    return Letter(
        subject=say(
            "To bill: %(customer)s, %(n)s %(edition)s in use since %(day)s",
            customer=customer,
            n=language.number(due),
            edition=edition,
            day=since,
        ),
        preheader=say("In use, not yet ordered. Agreement %(number)s", number=harmless(event.agreement_number)),
        parts=(
            Paragraph(
                say(
                    "%(customer)s uses services that have not been ordered yet. Place the order, so that you can bill them.",
                    customer=Strong(customer),
                )
            ),
            Facts(
                (
                    (say("Edition"), say("%(name)s (%(sku)s)", name=Strong(edition), sku=harmless(event.edition.sku))),
                    (say("Quantity available"), shown(language.number(event.quantities.available))),
                    (say("Quantity ordered"), shown(language.number(event.quantities.ordered))),
                    (say("To order now"), shown(Strong(language.number(due)))),
                    (say("In use since"), shown(since)),
                    (
                        say("Service term"),
                        say(
                            "from %(first)s, renewed on %(end)s",
                            first=language.day(event.term_starts_on),
                            end=language.day(event.term_ends_on),
                        ),
                    ),
                )
            ),
            Facts(
                (
                    (
                        say("Account"),
                        say("%(name)s, %(number)s", name=harmless(event.account_name), number=harmless(event.account_number)),
                    ),
                    (say("Agreement"), shown(harmless(event.agreement_number))),
                    (say("Reference"), shown(str(event.obligation_id))),
                    (say("Event"), shown(str(context.event_id))),
                )
            ),
            Paragraph(
                say(
                    "Order through your ordering system and give the account’s number. "
                    "Each order settles what is due, the oldest first."
                )
            ),
        ),
        button=context.to_portal(say("Place the order"), "partner/billing"),
    )

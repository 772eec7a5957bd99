"""The books balance whatever happens in whatever order: an auditor keeps its own from what was asked and compares."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from services.provisioning import rules
from services.provisioning.model import (
    Account,
    Edition,
    Entitlement,
    Entry,
    EntryKind,
    Holding,
    Line,
    Obligation,
    Order,
    Placement,
    Posting,
    Seat,
)
from shared.contracts import Event
from shared.contracts.provisioning import BillingDue, ServiceProvisioned
from shared.decision import Decision
from tests.unit.provisioning.given import BILLING, JOURNEY, MSDN, NOON, NORA, a_draft, a_person, an_account, an_edition, ids

EDITIONS = {edition.sku: edition for edition in (an_edition("OFF-E1"), an_edition("OFF-E3"), MSDN)}
SELF = st.sampled_from(["OFF-E1", "OFF-E3"])
ANY = st.sampled_from(sorted(EDITIONS))


class Books(RuleBasedStateMachine):
    """Keeps what decisions say as a database would; the auditor's figures come from the requests alone."""

    seated = Bundle("seated")

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOON
        self.new_id = ids()
        self.account: Account = an_account()
        self.verified = False
        self.entitlements: dict[UUID, Entitlement] = {}
        self.entries: list[Entry] = []
        self.obligations: dict[UUID, Obligation] = {}
        self.pending: dict[UUID, tuple[Line, Order]] = {}
        self.told: list[Event] = []
        self.order: Order | None = None
        self.released: set[UUID] = set()
        self.audited_available: dict[str, int] = defaultdict(int)
        self.audited_ordered: dict[str, int] = defaultdict(int)
        self.audited_wanted: dict[str, int] = defaultdict(int)

    def holding(self, edition: Edition) -> Holding | None:
        entitlement = self.entitlements.get(edition.id)
        if entitlement is None:
            return None
        pending = sum(line.to_provision for line, _ in self.pending.values() if line.edition_id == edition.id)
        still_open = tuple(each for each in self.obligations.values() if each.entitlement_id == entitlement.id and each.due)
        return Holding(self.account, edition, entitlement, still_open, pending)

    def keep(self, posting: Posting, events: tuple[Event, ...]) -> None:
        self.entitlements[posting.entitlement.edition_id] = posting.entitlement
        self.entries += posting.entries
        for obligation in posting.obligations:
            before = self.obligations.get(obligation.id)
            assert obligation.version == (before.version + 1 if before else 1)
            self.obligations[obligation.id] = obligation
        self.told += events

    def place(self, decision: Decision[Placement]) -> None:
        for posting in decision.state.postings:
            self.keep(posting, ())
        self.told += decision.events
        self.order = order = decision.state.order
        self.pending |= {line.id: (line, order) for line in order.lines if line.to_provision}

    @rule(sku=SELF, lots=st.integers(1, 5))
    def the_customer_orders(self, sku: str, lots: int) -> None:
        owned = {edition_id: each.id for edition_id, each in self.entitlements.items()}
        decision = rules.place_order(
            a_draft((sku, lots * 100)),
            self.account,
            EDITIONS,
            owned,
            domain_verified=self.verified,
            by=NORA,
            now=self.now,
            ready_by=self.now,
            journey=JOURNEY,
            new_id=self.new_id,
        )
        self.audited_wanted[sku] += lots * 100
        self.place(decision)

    @rule(sku=ANY, quantity=st.integers(1, 700))
    def the_partner_orders(self, sku: str, quantity: int) -> None:
        holding = self.holding(EDITIONS[sku])
        decision = rules.place_partner_order(
            a_draft((sku, quantity)),
            self.account,
            EDITIONS,
            {holding.edition.id: holding} if holding else {},
            domain_verified=self.verified,
            by=BILLING,
            now=self.now,
            ready_by=self.now,
            journey=JOURNEY,
            new_id=self.new_id,
        )
        self.audited_ordered[sku] += quantity
        self.audited_wanted[sku] = max(self.audited_wanted[sku], self.audited_ordered[sku])
        self.place(decision)

    @rule(choice=st.integers(0, 1000))
    def a_line_is_ready(self, choice: int) -> None:
        if not self.pending:
            return
        line, order = self.pending.pop(sorted(self.pending)[choice % len(self.pending)])
        edition = next(each for each in EDITIONS.values() if each.id == line.edition_id)
        holding = self.holding(edition)
        assert holding is not None
        decision = rules.provision_line(
            line, order, holding, ready_at=self.now, domain_verified=self.verified, now=self.now, new_id=self.new_id
        )
        self.audited_available[edition.sku] += line.to_provision
        self.keep(decision.state.posting, decision.events)

    @rule()
    def the_domain_is_verified(self) -> None:
        self.verified = True
        for edition in EDITIONS.values():
            holding = self.holding(edition)
            if holding and self.order:
                decision = rules.make_usable(holding, self.order, now=self.now)
                self.keep(Posting(decision.state), decision.events)

    @rule(target=seated, sku=ANY)
    def a_seat_is_assigned(self, sku: str) -> tuple[str, Seat] | None:
        holding = self.holding(EDITIONS[sku])
        if holding is None:
            return None
        try:
            decision = rules.assign_seat(holding, UUID(int=5), a_person(), None, by=NORA, now=self.now, new_id=self.new_id)
        except (rules.NoSeatLeft, rules.NotUsable):
            return None
        self.keep(decision.state.posting, decision.events)
        return sku, decision.state.seat

    @rule(choice=seated)
    def a_seat_is_released(self, choice: tuple[str, Seat] | None) -> None:
        if choice is None or choice[1].id in self.released:
            return
        sku, seat = choice
        holding = self.holding(EDITIONS[sku])
        assert holding is not None
        self.released.add(seat.id)
        decision = rules.release_seat(holding, seat, by=NORA, now=self.now)
        self.keep(decision.state.posting, decision.events)

    @rule(days=st.integers(1, 90))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @invariant()
    def quantities_are_the_ledgers_sums_and_what_was_asked(self) -> None:
        for sku, edition in EDITIONS.items():
            entitlement = self.entitlements.get(edition.id)
            if entitlement is None:
                continue
            own = [entry for entry in self.entries if entry.entitlement_id == entitlement.id]
            assert entitlement.available == sum(entry.available_change for entry in own) == self.audited_available[sku]
            assert entitlement.ordered == sum(entry.ordered_change for entry in own) == self.audited_ordered[sku]
            assert [entry.position for entry in own] == list(range(1, entitlement.entries + 1))
            holding = self.holding(edition)
            assert holding is not None
            assert entitlement.available + holding.pending == self.audited_wanted[sku]
            assert 0 <= entitlement.assigned <= entitlement.available
            assert not entitlement.usable or self.verified

    @invariant()
    def what_is_in_use_and_not_ordered_is_due_once(self) -> None:
        for entitlement in self.entitlements.values():
            still_open = [each for each in self.obligations.values() if each.entitlement_id == entitlement.id and each.due]
            expected = entitlement.unordered if entitlement.first_used_at else 0
            assert sum(each.due for each in still_open) == expected
            assert len({each.term_starts_on for each in still_open}) == len(still_open)

    @invariant()
    def allocations_conserve_what_was_raised(self) -> None:
        for obligation in self.obligations.values():
            assert obligation.raised == obligation.settled + obligation.due
            told = [event for event in self.told if isinstance(event, BillingDue) and event.obligation_id == obligation.id]
            assert [event.version for event in told] == list(range(1, obligation.version + 1))
        allocated: dict[UUID, int] = defaultdict(int)
        for obligation in self.obligations.values():
            for allocation in obligation.allocations:
                allocated[allocation.order_id] += allocation.quantity
        ordered = {entry.order_id: entry.ordered_change for entry in self.entries if entry.ordered_change}
        assert all(quantity <= ordered[order_id] for order_id, quantity in allocated.items())

    @invariant()
    def lots_bind_customers_and_msdn_is_the_partners(self) -> None:
        msdn = self.entitlements.get(MSDN.id)
        for entry in self.entries:
            if entry.kind is EntryKind.SELF_PROVISIONED:
                assert entry.available_change % 100 == 0
                assert msdn is None or entry.entitlement_id != msdn.id

    @invariant()
    def a_service_becomes_usable_once(self) -> None:
        opened = [event.entitlement_id for event in self.told if isinstance(event, ServiceProvisioned) and not event.quantity]
        assert len(opened) == len(set(opened))


Books.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_the_books_balance: Any = Books.TestCase

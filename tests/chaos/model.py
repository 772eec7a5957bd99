"""What was acknowledged to customers, and must therefore be true once the fire is out."""

from dataclasses import dataclass, field


@dataclass
class Customer:
    """One customer's story so far. A fact stands here as soon as its request was answered, and not before."""

    mark: str
    account_id: str = ""
    organisation_id: str = ""
    invitations: dict[str, str] = field(default_factory=dict)
    """Invitations of colleagues: id → address."""

    people: set[str] = field(default_factory=set)
    """Addresses of those who have accepted."""

    orders: dict[str, str] = field(default_factory=dict)
    """Its own orders and its partner's: id → number."""

    claim_id: str = ""
    verified: bool = False
    seats: dict[str, bool] = field(default_factory=dict)
    """Seat → whether it is assigned still."""

    complete: bool = False
    trouble: str = ""
    """Why the story broke off."""

    @property
    def facts(self) -> int:
        """How much was acknowledged so far."""
        known = (self.account_id, self.claim_id, self.verified, self.complete)
        return sum(map(bool, known)) + sum(map(len, (self.invitations, self.people, self.orders, self.seats)))


@dataclass
class Model:
    """Every customer, and how patient they had to be."""

    customers: list[Customer] = field(default_factory=list)
    answers: int = 0
    repetitions: int = 0
    longest_wait: float = 0.0

    @property
    def facts(self) -> int:
        """How much was acknowledged to all."""
        return sum(customer.facts for customer in self.customers)

"""The catalogue: product groups, their online services, and the editions in which a service can be had."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Channel(StrEnum):
    """Who may order: the customer itself, or its partner."""

    SELF = "self"
    PARTNER = "partner"


@dataclass(frozen=True)
class Edition:
    """One edition of an online service. Its id, sku, group, product and term mean the same for ever.

    `lot`, `minimum` and `maximum` bind what a customer orders itself (R-19); a partner orders any quantity (C-3).
    """

    id: UUID
    sku: str
    group: str
    product: str
    names: Mapping[str, str]
    lot: int
    minimum: int
    maximum: int
    term: str
    channels: tuple[Channel, ...]
    driver: str
    withdrawn: bool

    @property
    def partner_only(self) -> bool:
        """Whether customers can't order it themselves (R-24)."""
        return Channel.SELF not in self.channels


@dataclass(frozen=True)
class Product:
    """An online service."""

    code: str
    names: Mapping[str, str]
    editions: tuple[Edition, ...]


@dataclass(frozen=True)
class Group:
    """A product group."""

    code: str
    names: Mapping[str, str]
    products: tuple[Product, ...]


@dataclass(frozen=True)
class Catalogue:
    """Everything on offer, as the vendor last registered it."""

    version: int
    groups: tuple[Group, ...]

    def editions(self) -> Iterator[Edition]:
        """Every edition, in the catalogue's order."""
        for group in self.groups:
            for product in group.products:
                yield from product.editions

    def offered(self, channel: Channel) -> "Catalogue":
        """What may be ordered through the channel; products and groups with nothing left are absent."""
        groups = []
        for group in self.groups:
            products = []
            for product in group.products:
                editions = tuple(edition for edition in product.editions if channel in edition.channels)
                if editions:
                    products.append(Product(product.code, product.names, editions))
            if products:
                groups.append(Group(group.code, group.names, tuple(products)))
        return Catalogue(self.version, tuple(groups))

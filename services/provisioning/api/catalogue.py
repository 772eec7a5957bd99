"""The catalogue: registered by the vendor, ordered from by customers."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, model_validator

from services.provisioning import commands, queries
from services.provisioning.api.wiring import WithPorts
from services.provisioning.model import Catalogue, Channel, Edition, Group, Product
from shared.auth import needs
from shared.contracts.access import Access, Permission
from shared.http import Answer, Body, IfMatch, etag
from shared.ids import NewId

router = APIRouter()

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Short name, such as `office-online`.")]
Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", description="The vendor's article code.")]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class NamesBody(Body):
    """A name in every language that pages and mails speak."""

    en: Name = Field(description="English.")
    fr: Name = Field(description="French.")


class EditionBody(Body):
    """One edition. The sku says for ever what it is; its group, product and term can't change."""

    sku: Sku
    names: NamesBody
    lot: int = Field(gt=0, le=1_000_000, description="Customers order multiples of this (R-19).")
    minimum: int = Field(gt=0, le=1_000_000, description="Least that customers order at once.")
    maximum: int = Field(gt=0, le=1_000_000, description="Most that customers order at once.")
    term: Literal["P1Y"] = Field(description="How long it runs (ISO 8601); renewed on the agreement's anniversary.")
    channels: tuple[Channel, ...] = Field(min_length=1, max_length=2, description="Who may order it.")
    driver: Code = Field(description="How its online service is reached.")

    @model_validator(mode="after")
    def _possible(self) -> "EditionBody":
        if self.maximum < self.minimum or self.maximum // self.lot * self.lot < self.minimum:
            raise ValueError("no multiple of the lot lies between minimum and maximum")
        return self


class ProductBody(Body):
    """One online service with its editions."""

    code: Code
    names: NamesBody
    editions: tuple[EditionBody, ...] = Field(min_length=1, max_length=100)


class GroupBody(Body):
    """One product group."""

    code: Code
    names: NamesBody
    products: tuple[ProductBody, ...] = Field(min_length=1, max_length=100)


class CatalogueBody(Body):
    """The whole catalogue; an edition that is missing is withdrawn."""

    groups: tuple[GroupBody, ...] = Field(max_length=100)

    def as_groups(self, new_id: NewId) -> tuple[Group, ...]:
        """The same as the model says it, with a new id for every edition that turns out to be new."""
        return tuple(
            Group(
                group.code,
                group.names.model_dump(),
                tuple(
                    Product(
                        product.code,
                        product.names.model_dump(),
                        tuple(_edition(group, product, edition, new_id()) for edition in product.editions),
                    )
                    for product in group.products
                ),
            )
            for group in self.groups
        )


def _edition(group: GroupBody, product: ProductBody, edition: EditionBody, edition_id: UUID) -> Edition:
    return Edition(
        id=edition_id,
        sku=edition.sku,
        group=group.code,
        product=product.code,
        names=edition.names.model_dump(),
        lot=edition.lot,
        minimum=edition.minimum,
        maximum=edition.maximum,
        term=edition.term,
        channels=tuple(sorted(set(edition.channels))),
        driver=edition.driver,
        withdrawn=False,
    )


class EditionOut(Answer):
    """One edition."""

    id: UUID
    sku: str
    names: Mapping[str, str]
    lot: int
    minimum: int
    maximum: int
    term: str
    channels: tuple[Channel, ...]

    @classmethod
    def of(cls, edition: Edition) -> "EditionOut":
        return cls.model_validate(edition, from_attributes=True)


class ProductOut(Answer):
    """One online service."""

    code: str
    names: Mapping[str, str]
    editions: tuple[EditionOut, ...]


class GroupOut(Answer):
    """One product group."""

    code: str
    names: Mapping[str, str]
    products: tuple[ProductOut, ...]


class CatalogueOut(Answer):
    """A catalogue, in the vendor's order."""

    version: int
    groups: tuple[GroupOut, ...]

    @classmethod
    def of(cls, catalogue: Catalogue) -> "CatalogueOut":
        return cls.model_validate(catalogue, from_attributes=True)


@router.put("/v1/catalogue")
async def register_catalogue(
    body: CatalogueBody,
    expected: IfMatch,
    by: Annotated[Access, needs(Permission.CATALOGUE_REGISTER)],
    ports: WithPorts,
    response: Response,
) -> CatalogueOut:
    """Puts the whole catalogue in the place of the one that was read."""
    groups = body.as_groups(ports.new_id)
    catalogue = await commands.register_catalogue(ports, groups, expected=expected, by=by)
    response.headers.update(etag(catalogue.version))
    return CatalogueOut.of(catalogue)


@router.get("/v1/catalogue")
async def show_catalogue(
    by: Annotated[Access, needs(Permission.CATALOGUE_REGISTER)], ports: WithPorts, response: Response
) -> CatalogueOut:
    """Everything on offer, with the ETag that a change needs."""
    catalogue = await queries.show_catalogue(ports, by=by)
    response.headers.update(etag(catalogue.version))
    return CatalogueOut.of(catalogue)


@router.get("/v1/accounts/{account_id}/catalogue")
async def show_self_catalogue(
    account_id: UUID, by: Annotated[Access, needs(Permission.ORDERS_PLACE)], ports: WithPorts
) -> CatalogueOut:
    """What the account may set up itself (S23), named in both languages."""
    return CatalogueOut.of(await queries.show_self_catalogue(ports, account_id, by=by))

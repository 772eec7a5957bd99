"""Whole journeys of customers over HTTP, from the agreement to what the partner has ordered, many at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from deploy.local.tour.mail import Mail
from deploy.local.tour.ordering import CATALOGUE, E1, E3, MSDN
from deploy.local.tour.registration import agreement_of
from deploy.local.tour.stage import Contoso
from deploy.local.tour.visitor import Answer, Api, Json, form_of, machine, person
from tests.chaos.client import TIMEOUT, Careful, NoAnswer, Refused, patiently
from tests.chaos.model import Customer, Model
from tests.chaos.stack import Stack

PARTNERS: Final = ("adatum", "fabrikam", "northwind")
UNKNOWN_COLLEAGUE: Final = "nobody@"
"""The mail server knows no such addresses."""

NOT_YET: Final = frozenset({"not-found", "not-in-organisation", "not-usable"})
"""What a service says whose projections lag behind."""

ACCEPTED: Final = ("", "invitation-used")


@dataclass(frozen=True)
class Town:
    """Where the journeys go: the addresses, the vendor's and the partners' machines."""

    stack: Stack
    http: httpx.AsyncClient
    model: Model
    vendor: Careful
    partners: Mapping[str, Careful]

    def url(self, service: str, path: str) -> str:
        return self.stack.url(service) + path

    @classmethod
    async def of(cls, stack: Stack, http: httpx.AsyncClient, model: Model) -> "Town":
        """Enrols the partners, registers the catalogue, and makes the mail server know who is unknown."""
        issuer = stack.url("identity")

        def signed_in(client_id: str, client_secret: str) -> Careful:
            return Careful(model, lambda: machine(http, issuer, client_id, client_secret))

        vendor = signed_in(**stack.vendor_client)
        enrolled = [await stack.enrol(slug, f"billing@{slug}.example") for slug in PARTNERS]
        partners = {made["slug"]: signed_in(made["client_id"], made["client_secret"]) for made in enrolled}
        town = cls(stack, http, model, vendor, partners)
        url = town.url("provisioning", "/v1/catalogue")
        present = await vendor.ask("GET", url)
        api = await machine(http, issuer, **stack.vendor_client)
        await api.call("PUT", url, CATALOGUE, If_Match=present.headers["etag"])
        unknown = {"unknown": UNKNOWN_COLLEAGUE, "line": "550 5.1.1 no such user"}
        (await http.post(f"{stack.url('mailbox')}/api/faults", json=unknown)).raise_for_status()
        return town


async def live(town: Town, customers: int, in_all: int, until: asyncio.Event) -> None:
    """Keeps so many customers going; once `until` is set and all have come that shall, those on the way go on to their end."""
    number = 0
    going: set[asyncio.Task[None]] = set()
    stop = asyncio.create_task(until.wait())
    while not until.is_set() or number < in_all:
        while len(going) < customers:
            number += 1
            going.add(asyncio.create_task(Journey(town, number).go()))
        waiting = going if stop.done() else {*going, stop}
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        going -= done
    await asyncio.gather(*going)


@dataclass
class Journey:
    """One customer's."""

    town: Town
    number: int
    contoso: Contoso = field(init=False)
    customer: Customer = field(init=False)

    def __post_init__(self) -> None:
        self.contoso = Contoso(mark=f"{self.number:05x}")
        self.customer = Customer(self.contoso.mark)
        self.town.model.customers.append(self.customer)

    async def go(self) -> None:
        """To its end, or to where nobody answers."""
        try:
            harry = await self._register()
            nora = await self._invite(harry, self.contoso.nora, "Nora", "account_manager")
            await self._order(nora, "first", {E1: 300, E3: 100})
            await self._prove_domain(harry, nora)
            await self._use(harry)
            await self._order(nora, "second", {E1: 100})
            await self._partner_orders()
            self.customer.complete = True
        except (NoAnswer, Refused) as trouble:
            self.customer.trouble = str(trouble)

    def _url(self, service: str, path: str) -> str:
        return self.town.url(service, path)

    def _key(self, step: str) -> str:
        return f"drill-of-customer-{self.customer.mark}-{step}"

    @property
    def _slug(self) -> str:
        return PARTNERS[self.number % len(PARTNERS)]

    async def _register(self) -> Careful:
        """The agreement, and Harry who accepts and signs in."""
        body = {**agreement_of(self.contoso), "partner": self._slug}
        made = await self.town.vendor.create(self._url("identity", "/v1/agreements"), body, self._key("agreement"))
        self.customer.account_id = made["accounts"][0]["id"]
        self.customer.organisation_id = made["organisation_id"]
        await self._accept(self.contoso.harry, "Ouvrez le compte", self.contoso.harry_password)
        return self._person(self.contoso.harry, self.contoso.harry_password)

    async def _invite(self, harry: Careful, email: str, name: str, role: str) -> Careful:
        """A colleague, who accepts; every third customer also invites somebody whose address is wrong."""
        url = self._url("identity", f"/v1/accounts/{self.customer.account_id}/invitations")
        draft: Json = {"first_name": name, "last_name": "Reyes", "language": "en", "country": "GB", "roles": [role]}
        addresses = [email, f"{UNKNOWN_COLLEAGUE}{self.contoso.domain}"] if self.number % 3 == 0 else [email]
        for address in addresses:
            made = await harry.create(url, {**draft, "email": address}, self._key(f"invite-{address}"))
            self.customer.invitations[made["id"]] = address
        await self._accept(email, "has given you access to", self.contoso.nora_password)
        return self._person(email, self.contoso.nora_password)

    async def _order(self, nora: Careful, which: str, wanted: Mapping[str, int]) -> None:
        url = self._url("provisioning", f"/v1/accounts/{self.customer.account_id}/orders")
        lines = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in wanted.items()]}
        placed = await nora.create(url, lines, self._key(f"order-{which}"), until=NOT_YET)
        self._ordered(placed)
        await nora.get(self._url("provisioning", f"/v1/orders/{placed['id']}"), _all_ready)

    def _ordered(self, placed: Json) -> None:
        self.customer.orders[placed["id"]] = placed["number"]
        self.contoso.entitlements |= {line["sku"]: line["entitlement_id"] for line in placed["lines"]}

    async def _prove_domain(self, harry: Careful, nora: Careful) -> None:
        """Associated by Nora, administered by Harry, proved in the DNS."""
        url = self._url("domains", f"/v1/accounts/{self.customer.account_id}/domain")
        claim = await nora.create(url, {"domain": self.contoso.domain}, self._key("domain"), until=NOT_YET)
        self.customer.claim_id = claim["id"]
        claimed = self._url("domains", f"/v1/claims/{claim['id']}")
        nominee = {"email": self.contoso.harry, "language": "fr"}
        await nora.create(f"{claimed}/nominations", nominee, self._key("nominate"))
        mail = await self._mail(self.contoso.harry, "Serez-vous")
        await harry.create(self._url("domains", "/v1/nominations/accept"), {"secret": mail.secret()}, "")
        proof = await harry.get(f"{claimed}/proof")
        record = {"name": proof["record_name"], "type": "TXT", "value": proof["value"]}
        await self._outside(lambda: self.town.http.post(f"{self.town.stack.url('dns-control')}/api/records", json=record))

        async def verified() -> Answer | None:
            await harry.ask("POST", f"{claimed}/checks")
            claim = await harry.ask("GET", claimed)
            return claim if claim.body.get("state") == "verified" else None

        await patiently(self.town.model, verified, f"{self.contoso.domain} is not verified")
        self.customer.verified = True

    async def _use(self, harry: Careful) -> None:
        """Seats come and go; the first is the first use."""
        me, people = await harry.get(self._url("identity", "/v1/me")), await self._people(harry)
        seats = self._url("provisioning", f"/v1/entitlements/{self.contoso.entitlements[E1]}/seats")
        others = [one for one in people if one != me["id"]]
        mine = await harry.create(seats, {"person_id": me["id"]}, self._key("seat-harry"), until=NOT_YET)
        self.customer.seats[mine["id"]] = True
        for turn in range(3):
            seat = await harry.create(seats, {"person_id": others[0]}, self._key(f"seat-nora-{turn}"), until=NOT_YET)
            self.customer.seats[seat["id"]] = True
            if turn < 2:
                released = await harry.ask("DELETE", f"{seats}/{seat['id']}")
                if released.status not in (204, 404):
                    raise Refused(f"release: {released.status} {released.body}")
                self.customer.seats[seat["id"]] = False

    async def _people(self, harry: Careful) -> list[str]:
        users = await harry.get(self._url("identity", f"/v1/accounts/{self.customer.account_id}/users"))
        return [user["id"] for user in users["items"]]

    async def _partner_orders(self) -> None:
        """Twice: a part of what is due and something that customers can't order, then more than the rest."""
        partner = self.town.partners[self._slug]
        for turn, wanted in enumerate(({E1: 250, MSDN: 7}, {E1: 200})):
            order: Json = {
                "account_id": self.customer.account_id,
                "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in wanted.items()],
                "reference": f"PO-{self.customer.mark}-{turn}",
            }
            url = self._url("provisioning", "/v1/partner/orders")
            self._ordered(await partner.create(url, order, self._key(f"partner-{turn}"), until=NOT_YET))

    async def _mail(self, to: str, subject: str) -> Mail:
        """The newest mail to this address with these words in its subject, once it is there."""
        box = f"{self.town.stack.url('mailbox')}/api/messages"

        async def look() -> Mail | None:
            found = (await self.town.http.get(box, params={"to": to, "subject": subject})).raise_for_status().json()
            if not found:
                return None
            mail = (await self.town.http.get(f"{box}/{found[-1]['id']}")).raise_for_status().json()
            return Mail(mail["id"], to, mail["subject"], mail["text"], mail["html"])

        return await patiently(self.town.model, look, f"no mail «{subject}» to {to}")

    async def _outside(self, act: Callable[[], Awaitable[httpx.Response]]) -> None:
        async def attempt() -> httpx.Response | None:
            return (await act()).raise_for_status()

        await patiently(self.town.model, attempt, "the world outside")

    def _browser(self) -> httpx.AsyncClient:
        """A browser at an address of the customer's own, for attempts at passwords are counted by it."""
        address = f"10.{self.number >> 16 & 255}.{self.number >> 8 & 255}.{self.number & 255}"
        return httpx.AsyncClient(timeout=TIMEOUT, headers={"X-Forwarded-For": address}, verify=False)  # no TLS here

    def _person(self, email: str, password: str) -> Careful:
        async def sign_in() -> Api:
            async with self._browser() as browser:
                return await person(
                    self.town.http, browser, self.town.stack.url("identity"), self.town.stack.web_client, email, password
                )

        return Careful(self.town.model, sign_in)

    async def _accept(self, email: str, subject: str, password: str) -> None:
        """By page S05. A link that was used already is one's own answer that got lost, if one did."""
        secret = (await self._mail(email, subject)).secret()
        unanswered = False

        async def attempt() -> str | None:
            nonlocal unanswered
            lost, unanswered = unanswered, True
            problem = await self._accepted(secret, password)
            if problem == "invitation-used" and not lost:
                raise Refused(f"the invitation of {email} was used by somebody else")
            return problem if problem in ACCEPTED else None

        await patiently(self.town.model, attempt, f"{email} can't accept")
        self.customer.people.add(email)

    async def _accepted(self, secret: str, password: str) -> str:
        async with self._browser() as browser:
            page = await browser.get(self._url("identity", "/i"))
            form = form_of(page, holding="secret")
            looked = await browser.post(form.action, data={**form.fields, "secret": secret})
            if looked.headers.get("vestibule-problem"):
                return str(looked.headers["vestibule-problem"])
            form = form_of(looked, holding="password")
            typed = {"password": password, "password_again": password, "country": "FR", "consent": "yes"}
            answer = await browser.post(form.action, data={**form.fields, **typed})
            return str(answer.headers.get("vestibule-problem", "" if answer.is_redirect else f"status {answer.status_code}"))


def _all_ready(order: dict[str, Any]) -> bool:
    return all(line["state"] == "ready" for line in order["lines"])

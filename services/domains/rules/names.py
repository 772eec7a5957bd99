"""Which names an organisation may claim."""

from dataclasses import dataclass
from typing import Final

import idna

from services.domains.model import DomainName, NamePolicy
from shared.addresses import ascii_domain
from shared.refusals import Invalid

MAX_NAME: Final = 220
"""Octets of a claimed name: 253 less a label of ours and its dot (RFC 1035 §3.1)."""

MAX_LABELS: Final = 10


@dataclass(eq=False)
class NotADomainName(Invalid):
    """This is not a domain name that the public DNS could hold."""

    given: str
    reason: str


@dataclass(eq=False)
class PublicSuffix(Invalid):
    """This is not a domain that one organisation can own."""

    domain: str


@dataclass(eq=False)
class FreeMailDomain(Invalid):
    """Addresses at this domain are open to anybody, so it can't be verified."""

    domain: str


def domain_name(given: str, policy: NamePolicy) -> DomainName:
    """The name as it is claimed: UTS #46 non-transitional with STD3 rules, so that `faß.de` stays itself.

    Refuses NotADomainName (its `reason` is a code), PublicSuffix (M-22) and FreeMailDomain (M-23).
    """
    ascii_form = ascii_domain(given.strip().removesuffix("."))
    if ascii_form is None:
        raise NotADomainName(given=given, reason="malformed")
    labels = ascii_form.split(".")
    top = labels[-1]
    if not top.isalpha() and not top.startswith("xn--"):
        raise NotADomainName(given=given, reason="address" if top.isdigit() else "malformed")
    if len(ascii_form) > MAX_NAME or len(labels) > MAX_LABELS:
        raise NotADomainName(given=given, reason="too-long")
    name = DomainName(ascii_form, idna.decode(ascii_form))
    if top in policy.reserved:
        raise NotADomainName(given=given, reason="reserved")
    suffix = top if top in policy.allowed else policy.public_suffix(ascii_form)
    if suffix is None:
        raise NotADomainName(given=given, reason="unknown-suffix")
    if suffix == ascii_form:
        raise PublicSuffix(domain=name.display)
    if any(".".join(labels[start:]) in policy.free_mail for start in range(len(labels))):
        raise FreeMailDomain(domain=name.display)
    return name


def registrable(domain: str, policy: NamePolicy) -> str:
    """The part of a domain that is registered, by the public suffix list: what DNS panels append by themselves."""
    suffix = policy.public_suffix(domain) or domain.rpartition(".")[2]
    return ".".join(domain.split(".")[-suffix.count(".") - 2 :])

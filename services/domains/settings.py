"""What domains is told by its environment."""

from ipaddress import ip_address, ip_network
from typing import Final

from pydantic import Field, field_validator

from shared.settings import Key, PublicKey, Settings

ROOT_SERVERS: Final = (
    "198.41.0.4,170.247.170.2,192.33.4.12,199.7.91.13,192.203.230.10,192.5.5.241,192.112.36.4,"
    "198.97.190.53,192.36.148.17,192.58.128.30,193.0.14.129,199.7.83.42,202.12.27.33"
)
"""The root servers' IPv4 addresses (IANA root hints)."""


class DomainsSettings(Settings):
    """Settings of the domains service."""

    sealing_public_key: PublicKey = Field(
        description="Notifications' public key as a JWK in JSON: what a mail alone may show is sealed to it."
    )
    challenge_label: str = Field(
        default="_vestibule-challenge",
        pattern=r"^_[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$",
        description="First label of the proof's TXT record; give each installation its own.",
    )
    challenge_key: Key = Field(description="32 bytes in base64url from which the values of proofs are computed.")
    dns_roots: str = Field(default=ROOT_SERVERS, description="Addresses at which every look in the DNS begins, with commas.")
    dns_port: int = Field(default=53, ge=1, le=65535, description="Port of all name servers.")
    dns_ipv6: bool = Field(default=True, description="Whether name servers are asked at their IPv6 addresses too.")
    dns_allow_loopback: bool = Field(default=False, description="Lets name servers be on this machine; for development.")
    dns_denied_networks: str = Field(
        default="", description="Networks that are never asked although their addresses are public, with commas."
    )
    dns_queries: int = Field(default=60, ge=10, le=500, description="Most questions that one look may ask.")
    dns_seconds: float = Field(default=8.0, gt=0, le=20, description="Longest time that one look over one transport may take.")
    dns_server_seconds: float = Field(default=1.5, gt=0, le=10, description="How long one server may take to answer.")
    nominations_daily: int = Field(
        default=20, ge=1, description="Most people who may be nominated for one domain within 24 hours."
    )
    allowed_top_names: str = Field(
        default="", description="Reserved top-level names that may be claimed nevertheless, with commas; for development."
    )

    @field_validator("dns_roots")
    @classmethod
    def _addresses(cls, value: str) -> str:
        if not [ip_address(part) for part in parts(value)]:
            raise ValueError("at least one address is needed")
        return value

    @field_validator("dns_denied_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in parts(value):
            ip_network(part)
        return value


def parts(value: str) -> tuple[str, ...]:
    """The parts of a value with commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip())

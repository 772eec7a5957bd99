"""Which names nobody may claim: the public suffix list, and two lists of our own that stand beside this file."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from publicsuffixlist import PublicSuffixList

from services.domains.model import NamePolicy


@cache
def _listed(file: str) -> frozenset[str]:
    lines = files(__name__).joinpath(file).read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


def name_policy(*, allowed: Iterable[str] = ()) -> NamePolicy:
    """The policy of this release; `allowed` are top-level names taken although they are reserved or on no list."""
    extra = frozenset(allowed)
    shared = _listed("shared_suffixes.txt")

    def public_suffix(name: str) -> str | None:
        labels = name.split(".")
        own = next((suffix for start in range(len(labels)) if (suffix := ".".join(labels[start:])) in shared), None)
        listed = _suffixes().publicsuffix(name)
        return max(own or "", listed or "", key=len) or None

    return NamePolicy(
        public_suffix=public_suffix,
        free_mail=_listed("free_mail.txt"),
        reserved=_listed("reserved.txt") - extra,
        allowed=extra,
    )

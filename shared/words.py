"""What pages and mails must say alike: the languages that are spoken, and the names of the roles in them."""

from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["fr", "en"]

LOCALES: Final[Mapping[str, str]] = {"fr": "fr", "en": "en_GB"}
"""Whose dates, numbers and lists go with each language."""

ROLE_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        "account_admin": "Administrateur de compte",
        "agreement_admin": "Administrateur de contrat",
        "user_admin": "Administrateur d’utilisateurs",
        "account_manager": "Gestionnaire du compte",
        "report_viewer": "Observateur de rapports",
        "account_viewer": "Observateur du compte",
    },
    "en": {
        "account_admin": "Account Admin",
        "agreement_admin": "Agreement Admin",
        "user_admin": "User Administrator",
        "account_manager": "Account Manager",
        "report_viewer": "Report Viewer",
        "account_viewer": "Account Viewer",
    },
}
"""By language and code."""

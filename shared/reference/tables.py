"""The references of settings, metrics, roles and lifecycles."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import REGISTRY
from pydantic.fields import FieldInfo

import shared
from shared.cli.operating import EnrollSettings
from shared.contracts.access import Permission
from shared.lifecycle import Lifecycle
from shared.reference.catalogue import models, services
from shared.reference.writing import code, page, table
from shared.settings import PREFIX, Settings

SETTINGS = """\
Read once, when a process begins. `VESTIBULE_X` is given by the environment, by the file that `VESTIBULE_X_FILE` names, or by
a file `vestibule_x` in the folder `VESTIBULE_SECRETS_DIR`, whichever comes first. What is secret is marked."""

NOT_IMPORTED = {"shared.cli.__main__", "shared.migrate.env"}
"""Modules that do something when they are imported."""


def pages() -> Iterator[tuple[str, str]]:
    """`settings.md`, `metrics.md`, `roles.md`, `lifecycles.md`."""
    common = Settings.model_fields
    own = [
        f"## {name}\n\n"
        + _settings({field: info for field, info in service.settings.model_fields.items() if field not in common})
        for name, service in services().items()
    ]
    operators = f"## Operators' commands\n\n{_settings(EnrollSettings.model_fields)}"
    yield "settings.md", page("Settings", SETTINGS, f"## Every service\n\n{_settings(common)}", *own, operators)
    yield "metrics.md", page("Metrics", _metrics())
    yield "roles.md", page("Roles and permissions", *_roles())
    yield "lifecycles.md", page("Lifecycles", *_lifecycles())


def _settings(given: Mapping[str, FieldInfo]) -> str:
    rows = [
        (code(PREFIX + name.upper()), "needed" if info.is_required() else _default(info), _secret(info), info.description or "")
        for name, info in given.items()
    ]
    return table(("Setting", "Default", "", "Meaning"), rows) if rows else "None of its own."


def _default(info: FieldInfo) -> str:
    default = info.get_default(call_default_factory=True)
    return "–" if default in (None, "", {}) else code(default)


def _secret(info: FieldInfo) -> str:
    return "secret" if "SecretStr" in str(info.annotation) else ""


def _metrics() -> str:
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        if module.name not in NOT_IMPORTED:
            importlib.import_module(module.name)
    services()
    rows = [
        (code(metric.name + ("_total" if metric.type == "counter" else "")), metric.type, metric.documentation)
        for metric in sorted(REGISTRY.collect(), key=lambda metric: metric.name)
        if metric.name.startswith("vestibule_")
    ]
    return table(("Metric", "Kind", "Meaning"), rows)


def _roles() -> Iterator[str]:
    """The one table of identity's model: what each role allows, and what its holder may pass on."""
    model: Any = models()["identity"][0]
    roles: Mapping[Any, Any] = model.ROLES
    heads = ("Permission", *(code(role.value) for role in roles), "vendor", "partner")
    rows = [
        (
            code(permission.value),
            *(_mark(permission in rights.permissions, permission in rights.grantable) for rights in roles.values()),
            _mark(permission in model.VENDOR, passes_on=False),
            _mark(permission in model.PARTNER, passes_on=False),
        )
        for permission in Permission
    ]
    yield "● held, ○ may be granted to others, ◉ both."
    yield table(heads, rows)


def _mark(holds: bool, passes_on: bool) -> str:
    return {(True, True): "◉", (True, False): "●", (False, True): "○", (False, False): ""}[holds, passes_on]


def _lifecycles() -> Iterator[str]:
    """Each table of what may follow what, as the rules read it."""
    for name, modules in models().items():
        found = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Lifecycle)}
        titles = {type(next(iter(each.steps))).__name__.removesuffix("State"): each for each in found.values()}
        for title, each in sorted(titles.items()):
            yield f"## {title} ({name})"
            yield _diagram(each)


def _diagram(lifecycle: Lifecycle[Any]) -> str:
    steps = [f"  {state.value} --> {then.value}" for state, following in lifecycle.steps.items() for then in sorted(following)]
    ends = [f"  {state.value} --> [*]" for state in sorted(lifecycle.states) if lifecycle.is_final(state)]
    return "\n".join(["```mermaid", "stateDiagram-v2", *steps, *ends, "```"])

"""What the references are made from: services, who hears what, samples of events."""

import importlib
import json
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from shared.migrate import ROOT
from shared.service import AnyService
from shared.service_names import service_names


def services() -> Mapping[str, AnyService]:
    """Every service by its name."""
    return {name: importlib.import_module(f"services.{name}.app").SERVICE for name in service_names()}


def models() -> Mapping[str, list[ModuleType]]:
    """The modules of every service's nouns, by the service's name; the room's door comes first."""
    found = {}
    for name in service_names():
        door = importlib.import_module(f"services.{name}.model")
        parts = pkgutil.iter_modules(getattr(door, "__path__", []), f"{door.__name__}.")
        found[name] = [door, *(importlib.import_module(part.name) for part in parts)]
    return found


def readers() -> Mapping[str, list[str]]:
    """Which services hear each topic."""
    heard: dict[str, list[str]] = {}
    for name, service in services().items():
        for topic in service.listeners.topics:
            heard.setdefault(topic, []).append(name)
    return heard


def samples(topic: str) -> list[dict[str, Any]]:
    """The samples of a topic that are kept for good, oldest first."""
    paths = sorted((ROOT / "tests" / "contract" / "golden" / topic).glob("[0-9]*.json"), key=lambda path: int(path.stem))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]

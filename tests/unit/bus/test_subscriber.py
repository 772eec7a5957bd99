"""FastStream loses messages by default; nobody here may come to rely on its defaults."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
SAID = {"ack_policy", "group_id", "auto_offset_reset", "batch", "parser", "decoder"}


def modules() -> list[Path]:
    return [path for folder in ("services", "shared", "deploy") for path in (ROOT / folder).rglob("*.py")]


def test_only_the_bus_knows_faststream() -> None:
    users = [path for path in modules() if "faststream" in path.read_text()]
    knowing = {
        path.relative_to(ROOT).as_posix()
        for path in users
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("faststream"))
        or (isinstance(node, ast.Import) and any(name.name.startswith("faststream") for name in node.names))
    }
    assert knowing == {"shared/bus/subscriber.py"}


def test_every_subscriber_says_when_it_acknowledges() -> None:
    tree = ast.parse((ROOT / "shared/bus/subscriber.py").read_text())
    subscribers = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "subscriber"
    ]
    assert len(subscribers) == 1
    said = {word.arg: ast.unparse(word.value) for word in subscribers[0].keywords}
    assert said.keys() >= SAID
    assert said["ack_policy"] == "AckPolicy.NACK_ON_ERROR"
    assert said["auto_offset_reset"] == "'earliest'"

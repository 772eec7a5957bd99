"""What operators do in the story, by the commands that they would use."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

from deploy.local.environment import clean_environment
from deploy.local.folder import Folder
from deploy.local.tour.narrator import Difference
from deploy.local.tour.stage import Enrolment
from deploy.local.tour.visitor import Json

REDIRECT_URI: Final = "http://127.0.0.1/tour"


class Operator:
    """Somebody with the data folder of a run, at a shell."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._folder = Folder(Path(document["data_dir"]))

    def _environment(self, command: str) -> dict[str, str]:
        return clean_environment(self._folder.settings(command if command == "identity" else "operator"))

    def vendor_client(self) -> tuple[str, str]:
        """Id and secret of the vendor's machine client, as `vestibule identity bootstrap` left them."""
        client = json.loads(self._folder.vendor_client.read_text())
        return client["client_id"], client["client_secret"]

    async def add_web_client(self) -> tuple[str, str]:
        """A public client for signing in, and its redirect URI."""
        out = await self._vestibule("identity", "client", "add", "tour", "--redirect-uri", REDIRECT_URI)
        return json.loads(out)["client_id"], REDIRECT_URI

    async def enrol(self, draft: Json) -> Enrolment:
        """`vestibule partner enroll`."""
        options = [
            part for name in ("name", "email", "language", "time_zone") for part in (f"--{name.replace('_', '-')}", draft[name])
        ]
        made = json.loads(await self._vestibule("partner", "enroll", draft["slug"], *options))
        return Enrolment(made["id"], made["client_id"], made["client_secret"], made["kafka_username"], made["kafka_password"])

    async def add(self, name: str, kind: str, value: str) -> None:
        """`vestibule dns add`."""
        await self._vestibule("dns", "add", name, kind, value, "--data", str(self._folder.path))

    async def remove(self, name: str, kind: str) -> None:
        """`vestibule dns del`."""
        await self._vestibule("dns", "del", name, kind, "--data", str(self._folder.path))

    async def _vestibule(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "shared.cli", *arguments,
            env=self._environment(arguments[0]),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        if process.returncode:
            raise Difference(f"vestibule {' '.join(arguments)}: {err.decode().strip()}")
        return out.decode()

"""What the routes of provisioning are given."""

from typing import Annotated

from fastapi import Depends

from services.provisioning.ports import NetworkPorts
from shared import http

WithPorts = Annotated[NetworkPorts, Depends(http.ports)]

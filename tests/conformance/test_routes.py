"""Every route is guarded, or stands on this list of open ones with the reason that its code gives."""

import pytest

from shared.auth import OpenToAll
from tests.conformance.house import ARoute, routes

OPEN = {
    "identity: GET /.well-known/openid-configuration",
    "identity: GET /jwks",
    "identity: POST /token",
    "identity: GET /userinfo",
    "identity: POST /userinfo",
    "identity: GET /authorize",
    "identity: POST /authorize",
    "identity: GET /signin",
    "identity: POST /signin",
    "identity: POST /signout",
    "identity: GET /i",
    "identity: POST /i/look",
    "identity: POST /i/accept",
    "identity: GET /static/{name}",
    "provisioning: POST /driver/callbacks",
}


@pytest.mark.parametrize("route", routes(), ids=str)
def test_a_route_has_exactly_one_guard(route: ARoute) -> None:
    assert len(route.guards) == 1


def test_what_is_open_is_on_the_list() -> None:
    assert {str(route) for route in routes() if isinstance(route.guards[0], OpenToAll)} == OPEN


def test_no_two_routes_are_the_same() -> None:
    names = [str(route) for route in routes()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("route", [route for route in routes() if route.path.startswith("/v1/")], ids=str)
def test_what_creates_is_idempotent_and_what_changes_names_a_version(route: ARoute) -> None:
    """POST that creates (201) takes an Idempotency-Key; PUT and PATCH take If-Match."""
    headers = {field.alias for dependant in route.dependants() for field in dependant.header_params}
    if route.method == "POST" and route.context.status_code == 201:
        assert "idempotency-key" in headers
    if route.method in ("PUT", "PATCH"):
        assert "if-match" in headers

"""Whatever a description allows, and much that it does not: no request makes us answer with a fault of our own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from deploy.local.tour.visitor import machine
from shared.http.openapi import document
from shared.http.problems import MEDIA_TYPE
from shared.reference.http import application
from shared.service_names import service_names
from tests.support.servers import Databases
from tests.support.story import Story, fresh_settings, playing

OWN_ERRORS = {"/token", "/userinfo"}
"""Their errors are OpenID's, not problems."""


@dataclass(frozen=True)
class Stage:
    """A running world, and who knocks: the vendor, who may see everything, and a customer's people and partner."""

    portal: BlockingPortal
    story: Story
    tokens: dict[str, str]
    ids: dict[str, list[str]]

    def knock(self, service: str, case: Case[Any], who: str, known: int) -> Any:
        """The answer to a made-up request, whose ids are now and then those of something that is there."""
        parameters = {name: self._id(name, value, known) for name, value in (case.path_parameters or {}).items()}
        case.path_parameters = parameters
        sent = requests.Request(**case.as_transport_kwargs(base_url=self.story.world.url(service))).prepare()
        headers = {
            name: value for name, value in sent.headers.items() if name.lower() not in ("authorization", "content-length")
        }
        if who in self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        if known % 3:
            headers["Idempotency-Key"] = f"a-key-that-is-long-{known}"
        return self.portal.call(self._send, case.method, str(sent.url), headers, sent.body)

    async def _send(self, method: str, url: str, headers: dict[str, Any], body: Any) -> Any:
        return await self.story.stage.http.request(method, url, headers=headers, content=body)

    def _id(self, name: str, value: Any, known: int) -> Any:
        return self.ids[name][0] if known % 2 and self.ids.get(name) else value


@pytest.fixture(scope="module")
def stage(postgres: Databases) -> Iterator[Stage]:
    settings = fresh_settings(postgres)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(playing(settings)) as story:
        yield portal.call(set_the_scene, portal, story)


async def set_the_scene(portal: BlockingPortal, story: Story) -> Stage:
    harry, nora = await story.onboarded()
    accounts = await nora.get(story.stage.url("identity", "/v1/accounts"))
    ids = {"account_id": [account["id"] for account in accounts["items"]]}
    adatum = await machine(story.stage.http, story.stage.urls["identity"], *story.contoso.credentials)
    who = {"vendor": story.stage.vendor, "harry": harry, "nora": nora, "adatum": adatum}
    return Stage(portal, story, {name: api.token for name, api in who.items()}, ids)


def operations() -> Iterator[Any]:
    for name in service_names():
        described = schemathesis.openapi.from_dict(document(application(name)))
        for result in described.get_all_operations():
            assert isinstance(result, Ok), result
            operation = result.ok()
            yield pytest.param(name, operation, id=f"{name}: {operation.label}")


@pytest.mark.parametrize(("service", "operation"), list(operations()))
def test_no_request_makes_us_fail(stage: Stage, service: str, operation: Any) -> None:
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @given(case=cases, who=st.sampled_from([*stage.tokens, "nobody"]), known=st.integers(0, 5))
    @examples(
        max_examples=19,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def knock(case: Case[Any], who: str, known: int) -> None:
        answer = stage.knock(service, case, who, known)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400 and operation.path not in OWN_ERRORS:
            assert answer.headers["content-type"] == MEDIA_TYPE, answer.text

    knock()

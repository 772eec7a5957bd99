"""One request of one browser: its language, its cookies, and the page that it is answered with."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.identity.pages.forms import Form
from services.identity.pages.texts import CODES, LANGUAGES, environment, preferred
from services.identity.ports import Ports
from shared.http import ports

YEAR: Final = 365 * 24 * 3600


@dataclass(frozen=True)
class Mistake:
    """Something to be put right, and the field it is about."""

    text: str
    field: str = ""


class FormNotOurs(Exception):
    """The form was not filled in on a page that this browser got from us."""


class Visit:
    """What a page needs to know of the browser. Cookies are named so that only this very host could have set them."""

    def __init__(self, request: Request, ports: Annotated[Ports, Depends(ports)]) -> None:
        self.request = request
        self.ports = ports
        self._secure = ports.issuer.startswith("https:")
        self.chosen = _one_of_ours(request.query_params.get("lang")) or _one_of_ours(self._cookie("lang"))
        self.language = self.chosen or preferred(request.headers.get("accept-language", ""))
        self.session_secret = self._cookie("session")
        self._form_token = self._cookie("form")
        self.form_token = self._form_token or ports.new_token()

    @property
    def caller(self) -> str:
        """The address that attempts are counted by."""
        return self.request.client.host if self.request.client else "unknown"

    def speak(self, language: str | None) -> None:
        """Answers in this language if it is one of ours."""
        self.language = _one_of_ours(language) or self.language

    def check(self, form: Form) -> None:
        """Refuses a form from elsewhere (`FormNotOurs`): another site can't read the token that the cookie repeats."""
        if not self._form_token or not hmac.compare_digest(self._form_token.encode(), form.text("form_token").encode()):
            raise FormNotOurs

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        problem: str | None = None,
        leads_to: Sequence[str] = (),
        mistakes: Sequence[Mistake] = (),
        **values: Any,
    ) -> Response:
        """The page. `problem` names the refusal it shows; `leads_to` are other sites where its form may end."""
        content = (
            environment(self.language)
            .get_template(template)
            .render(
                language=self.language,
                languages=LANGUAGES,
                in_language=self._in_language,
                form_token=self.form_token,
                mistakes=mistakes,
                **values,
            )
        )
        response = HTMLResponse(content, status, {"Content-Language": self.language, "Vary": "Accept-Language, Cookie"})
        response.headers["Content-Security-Policy"] = "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
                " ".join(("form-action 'self'", *leads_to)),
            )
        )
        if problem:
            response.headers["Vestibule-Problem"] = problem
        return self._with_cookies(response)

    def go(self, address: str) -> Response:
        """Sends the browser on with a GET."""
        return self._with_cookies(RedirectResponse(address, 303))

    def keep_session(self, response: Response, secret: str) -> Response:
        """Signs the browser in."""
        self._set_cookie(response, "session", secret, same_site="lax")
        return response

    def drop_session(self, response: Response) -> Response:
        """Signs the browser out."""
        response.delete_cookie(self._name("session"), path="/", secure=self._secure, httponly=True, samesite="lax")
        return response

    def _with_cookies(self, response: Response) -> Response:
        if self._form_token is None:
            self._set_cookie(response, "form", self.form_token, same_site="strict")
        asked = _one_of_ours(self.request.query_params.get("lang"))
        if asked:
            self._set_cookie(response, "lang", asked, same_site="lax", max_age=YEAR)
        return response

    def _set_cookie(self, response: Response, name: str, value: str, *, same_site: Any, max_age: int | None = None) -> None:
        response.set_cookie(
            self._name(name), value, path="/", secure=self._secure, httponly=True, samesite=same_site, max_age=max_age
        )

    def _cookie(self, name: str) -> str | None:
        return self.request.cookies.get(self._name(name))

    def _name(self, name: str) -> str:
        return f"__Host-vestibule-{name}" if self._secure else f"vestibule-{name}"

    def _in_language(self, code: str) -> str:
        """The page's address in a language; for one that only a form leads to, that of the page with the form."""
        path = self.request.url.path
        page = next((page for page in ("/signin", "/i") if path == page or path.startswith(f"{page}/")), "/signin")
        query = self.request.url.include_query_params(lang=code).query
        return f"{page}?{query}"


def _one_of_ours(language: str | None) -> str | None:
    return language if language in CODES else None


AVisit = Annotated[Visit, Depends()]

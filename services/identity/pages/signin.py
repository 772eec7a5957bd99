"""S02, signing in, and the authorization endpoint that leads there and back."""

from dataclasses import fields
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from services.identity import commands
from services.identity.model import AuthorizationRequest
from services.identity.pages.browser import AVisit, FormNotOurs, Mistake, Visit
from services.identity.pages.forms import Form, FormFault
from services.identity.pages.messages import busy_page, ended_page, not_ours_page, password_mistake, status_of
from services.identity.pages.routing import PageRoute
from services.identity.pages.texts import say
from services.identity.ports import PasswordsBusy
from shared.auth import open_to_all
from shared.refusals import Refusal

router = APIRouter(include_in_schema=False, route_class=PageRoute)

ASKED: Final = frozenset(field.name for field in fields(AuthorizationRequest))
RETURN: Final = "/authorize?"


@router.get("/authorize", dependencies=[open_to_all("relying parties send people here to be signed in")])
@router.post("/authorize", dependencies=[open_to_all("relying parties send people here to be signed in")])
async def authorize(request: Request, visit: AVisit) -> Response:
    """Sends the browser back with a code, to the sign-in page first, or back with the reason why not."""
    try:
        encoded = await request.body() if request.method == "POST" else request.url.query.encode()
        asked = _asked(Form.parse(encoded))
        authorized = await commands.authorize(visit.ports, asked, secret=visit.session_secret)
    except FormFault:
        return ended_page(visit, commands.UntrustedRequest())
    except Refusal as no:
        return ended_page(visit, no)
    match authorized.answer:
        case commands.SignInFirst():
            return RedirectResponse(f"/signin?{urlencode(_signin_query(asked))}", 303)
        case commands.Granted() as granted:
            return _back(visit, granted.redirect_uri, code=authorized.code, state=granted.state)
        case commands.Denied() as denied:
            return _back(
                visit, denied.redirect_uri, error=denied.error, error_description=denied.error_description, state=denied.state
            )


@router.get("/signin", dependencies=[open_to_all("whoever is not signed in can't be asked for a token")])
async def signin_page(request: Request, visit: AVisit) -> Response:
    """S02, or who is signed in already when no site waits for it."""
    then = request.query_params.get("then", "")
    person = await commands.signed_in_person(visit.ports, visit.session_secret)
    if person and not then:
        return visit.go(visit.ports.portal_url) if visit.ports.portal_url else visit.page("signed_in.html", person=person)
    return await _signin(visit, then, email=request.query_params.get("login_hint", ""))


@router.post("/signin", dependencies=[open_to_all("the password is what is checked")])
async def sign_in(request: Request, visit: AVisit) -> Response:
    """Begins a session and goes on to where the person was sent from."""
    try:
        form = await Form.read(request)
        visit.check(form)
    except (FormFault, FormNotOurs):
        return not_ours_page(visit)
    then, email = request.query_params.get("then", ""), form.text("email")
    missing = _missing(visit, form)
    if missing:
        return await _signin(visit, then, email=email, mistakes=missing, status=422, problem="form-incomplete")
    try:
        begun = await commands.sign_in(visit.ports, email, form.text("password"), caller=visit.caller)
    except commands.WrongAddressOrPassword as no:
        wrong = Mistake(say(visit.language, "The address or the password is not right."), "email")
        return await _signin(visit, then, email=email, mistakes=(wrong,), status=status_of(no), problem=no.slug())
    except commands.TooManyAttempts as no:
        mistake = password_mistake(visit, no)
        return await _signin(
            visit, then, email=email, mistakes=(mistake,) if mistake else (), status=status_of(no), problem=no.slug()
        )
    except PasswordsBusy:
        return busy_page(visit)
    if visit.session_secret:
        await commands.end_session(visit.ports, visit.session_secret)
    return visit.keep_session(visit.go(then if then.startswith(RETURN) else "/signin"), begun.secret)


@router.post("/signout", dependencies=[open_to_all("the cookie says whose session ends")])
async def sign_out(request: Request, visit: AVisit) -> Response:
    """Ends the browser's session."""
    try:
        form = await Form.read(request)
        visit.check(form)
    except (FormFault, FormNotOurs):
        return not_ours_page(visit)
    if visit.session_secret:
        await commands.end_session(visit.ports, visit.session_secret)
    return visit.drop_session(visit.go("/i" if form.get("to") == "invitation" else "/signin"))


def _missing(visit: Visit, form: Form) -> tuple[Mistake, ...]:
    texts = {
        "email": say(visit.language, "Enter your work e-mail address."),
        "password": say(visit.language, "Enter your password."),
    }
    return tuple(Mistake(text, field) for field, text in texts.items() if not form.text(field).strip())


async def _signin(
    visit: Visit,
    then: str,
    *,
    email: str,
    mistakes: tuple[Mistake, ...] = (),
    status: int = 200,
    problem: str | None = None,
) -> Response:
    """S02. A browser only follows a form to sites that the page names, so the one that waits is named."""
    try:
        asked = _asked(Form.parse(then.removeprefix(RETURN).encode())) if then.startswith(RETURN) else None
    except FormFault:
        return ended_page(visit, commands.UntrustedRequest())
    client = await commands.waiting_client(visit.ports, asked) if asked else None
    if asked and visit.chosen is None and asked.ui_locales:
        visit.speak(asked.ui_locales.strip().partition(" ")[0].partition("-")[0])
    waiting = urlsplit(asked.redirect_uri or "") if asked and client else None
    return visit.page(
        "signin.html",
        status=status,
        problem=problem,
        mistakes=mistakes,
        leads_to=[f"{waiting.scheme}://{waiting.netloc}"] if waiting else [],
        site=client.name if client else None,
        email=email,
    )


def _asked(form: Form) -> AuthorizationRequest:
    """The parameters that are known; others are to be ignored (RFC 6749 §3.1)."""
    return AuthorizationRequest(**{name: value for name in ASKED if (value := form.get(name)) is not None})


def _signin_query(asked: AuthorizationRequest) -> dict[str, str]:
    """What the sign-in page is told: where to go on, without the wish that led here, and what the site knows already."""
    given = {name: value for name in sorted(ASKED) if (value := getattr(asked, name))}
    prompts = [prompt for prompt in asked.prompt.split() if prompt not in ("login", "select_account")]
    given |= {"prompt": " ".join(prompts)} if prompts else {}
    if not prompts:
        given.pop("prompt", None)
    query = {"then": RETURN + urlencode(given)}
    return query | ({"login_hint": asked.login_hint} if asked.login_hint else {})


def _back(visit: Visit, redirect_uri: str, **answer: str | None) -> Response:
    """The redirect to the relying party, with `iss` (RFC 9207)."""
    parts = urlsplit(redirect_uri)
    given = {name: value for name, value in answer.items() if value is not None} | {"iss": visit.ports.issuer}
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *given.items()])
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 303)

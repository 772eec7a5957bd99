"""S05 and S05b: looking at an invitation and accepting it. The page's address never holds the secret."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.identity import commands
from services.identity.model import COUNTRIES
from services.identity.pages.browser import AVisit, FormNotOurs, Mistake, Visit
from services.identity.pages.forms import Form, FormFault
from services.identity.pages.messages import busy_page, ended_page, not_ours_page, password_mistake, plain_page, status_of
from services.identity.pages.routing import PageRoute
from services.identity.pages.texts import countries, day, later, role_meanings, say
from services.identity.ports import PasswordsBusy
from shared.auth import open_to_all
from shared.db import ChangedMeanwhile
from shared.refusals import Refusal
from shared.words import ROLE_NAMES

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/i", dependencies=[open_to_all("the invited have no account yet")])
async def invitation_page(visit: AVisit) -> Response:
    """Where invitation links lead. It knows nothing: its script, or the person, sends the secret by a form."""
    return visit.page("code.html")


@router.post("/i/look", dependencies=[open_to_all("the secret in the form is what is checked")])
async def look_at_invitation(request: Request, visit: AVisit) -> Response:
    """Shows what the invitation offers. However often it is asked, nothing changes."""
    try:
        form = await Form.read(request)
        looked = await commands.look_at_invitation(visit.ports, form.text("secret"))
    except FormFault:
        return not_ours_page(visit)
    except commands.InvitationUnknown as no:
        unknown = Mistake(say(visit.language, "No invitation has this code. Copy all of it from the newest e-mail."), "secret")
        return visit.page("code.html", status=404, problem=no.slug(), mistakes=(unknown,))
    except Refusal as no:
        return ended_page(visit, no)
    visit.speak(form.get("lang") or visit.chosen or looked.invitation.language)
    other = await _other(visit, looked)
    if other:
        return _somebody_else(visit, other)
    return _show(visit, looked, form, country=looked.invitation.country)


@router.post("/i/accept", dependencies=[open_to_all("the secret in the form is what is checked")])
async def accept_invitation(request: Request, visit: AVisit) -> Response:
    """Opens the work account, or joins with the one that is there, and signs the person in."""
    try:
        form = await Form.read(request)
        visit.check(form)
    except (FormFault, FormNotOurs):
        return not_ours_page(visit)
    try:
        looked = await commands.look_at_invitation(visit.ports, form.text("secret"))
    except Refusal as no:
        return ended_page(visit, no)
    visit.speak(visit.chosen or looked.invitation.language)
    other = await _other(visit, looked)
    if other:
        return _somebody_else(visit, other)
    mistakes = _mistakes(visit, looked, form)
    if mistakes:
        return _again(visit, looked, form, mistakes, status=422, problem="form-incomplete")
    return await _accept(visit, looked, form)


async def _accept(visit: Visit, looked: commands.Looked, form: Form) -> Response:
    """The answer to a form that is complete."""
    answer = commands.Answer(form.text("password"), form.text("country"))
    try:
        joined = await commands.accept_invitation(visit.ports, form.text("secret"), answer, caller=visit.caller)
    except PasswordsBusy:
        return busy_page(visit)
    except ChangedMeanwhile:
        again = Mistake(say(visit.language, "Something changed while you were typing. Try again."))
        return _again(visit, looked, form, [again], status=409, problem="changed-meanwhile")
    except Refusal as no:
        mistake = password_mistake(visit, no)
        if mistake is None:
            return ended_page(visit, no)
        return _again(visit, looked, form, [mistake], status=status_of(no), problem=no.slug())
    if visit.session_secret:
        await commands.end_session(visit.ports, visit.session_secret)
    begun = await commands.begin_session(visit.ports, joined.person.id)
    return visit.keep_session(visit.go(visit.ports.portal_url or "/signin"), begun.secret)


def _mistakes(visit: Visit, looked: commands.Looked, form: Form) -> list[Mistake]:
    """What is missing. The password itself is judged by the rule."""
    found = []
    if not form.text("password"):
        found.append(Mistake(say(visit.language, "Enter a password."), "password"))
    if looked.person:
        return found
    if form.text("password") != form.text("password_again"):
        found.append(Mistake(say(visit.language, "The two passwords are not the same."), "password_again"))
    if form.text("country") not in COUNTRIES:
        found.append(Mistake(say(visit.language, "Choose your country or region."), "country"))
    if form.text("consent") != "yes":
        found.append(Mistake(say(visit.language, "Agree to the terms to open the account."), "consent"))
    return found


def _again(
    visit: Visit, looked: commands.Looked, form: Form, mistakes: Sequence[Mistake], *, status: int, problem: str
) -> Response:
    return _show(visit, looked, form, country=form.text("country"), mistakes=mistakes, status=status, problem=problem)


def _show(
    visit: Visit,
    looked: commands.Looked,
    form: Form,
    *,
    country: str,
    mistakes: Sequence[Mistake] = (),
    status: int = 200,
    problem: str | None = None,
) -> Response:
    invitation = looked.invitation
    return visit.page(
        "invitation.html",
        status=status,
        problem=problem,
        mistakes=mistakes,
        leads_to=[visit.ports.portal_url] if visit.ports.portal_url else [],
        invitation=invitation,
        agreement=looked.agreement,
        accounts=looked.accounts,
        inviter=looked.inviter,
        person=looked.person,
        ends=day(invitation.expires_at, visit.language, invitation.time_zone),
        secret=form.text("secret"),
        country=country,
        countries=countries(visit.language),
        consent=form.text("consent") == "yes",
        role_names=ROLE_NAMES[visit.language],
        role_meanings=role_meanings(visit.language),
    )


async def _other(visit: Visit, looked: commands.Looked) -> str | None:
    """The address of somebody who is signed in and not invited."""
    person = await commands.signed_in_person(visit.ports, visit.session_secret)
    return person.email.shown if person and not person.email.same_as(looked.invitation.email) else None


def _somebody_else(visit: Visit, email: str) -> Response:
    """M-08."""
    text = say(
        visit.language,
        "You are signed in as %(address)s; this invitation is for somebody else. Sign out to use it.",
        address=email,
    )
    return plain_page(visit, later("Somebody else is signed in"), text, status=409, problem="somebody-else", action="sign-out")

"""Steps 1 to 4, the guide “register”: the agreement, its acceptance, signing in, a colleague."""

import asyncio

from deploy.local.tour.journal import having
from deploy.local.tour.narrator import expect, same
from deploy.local.tour.stage import Contoso, Stage
from deploy.local.tour.visitor import Api, Json, form_of, person

ACCEPTED_AT_ONCE = 20


async def sign_agreement(stage: Stage, contoso: Contoso) -> None:
    """Step 1: the partner is enrolled, the agreement registered, and its administrator invited in French."""
    contoso.partner = await stage.enrol(
        {
            "slug": contoso.slug,
            "name": "Adatum",
            "email": contoso.billing,
            "language": "en",
            "time_zone": "Europe/Paris",
        }
    )
    since = len(stage.topics)
    agreement = await stage.vendor.create(stage.url("identity", "/v1/agreements"), agreement_of(contoso))
    contoso.agreement_id, contoso.organisation_id = agreement["id"], agreement["organisation_id"]
    contoso.account_id, contoso.second_account_id = (account["id"] for account in agreement["accounts"])

    told = stage.topics
    signed = await told.find("agreement.signed", having(agreement_id=contoso.agreement_id), since=since)
    accounts = [
        await told.find("account.registered", having(account_id=wanted), since=since)
        for wanted in (contoso.account_id, contoso.second_account_id)
    ]
    partner = await told.find("partner.profile", having(slug=contoso.slug))
    sent = await told.find("invitation.sent", having(organisation_id=contoso.organisation_id), since=since)
    expect(contoso.harry not in str(sent.value), "invitation.sent carries an address in clear")
    stage.says.told(partner, signed, *accounts, sent)

    mail = await stage.letters.wait_for(contoso.harry, subject="Ouvrez le compte de votre organisation")
    expect(contoso.agreement_number in mail.text, "E1 does not name the agreement")
    expect("Démarrer maintenant" in mail.html, "E1 has no button")
    stage.says.says(f"mail to {mail.to}: «{mail.subject}»")


async def accept_invitation(stage: Stage, contoso: Contoso) -> None:
    """Step 2: Harry opens the organisation's account on page S05. However many try, one comes in."""
    mail = await stage.letters.wait_for(contoso.harry, subject="Ouvrez le compte")
    secret, since = mail.secret(), len(stage.topics)
    answers = await asyncio.gather(
        *(accept(stage, secret, password=contoso.harry_password, country="FR") for _ in range(ACCEPTED_AT_ONCE))
    )
    same(sum(answer == "" for answer in answers), 1, f"accepted at once, by how many: {sorted(set(answers))}")
    accepted = await stage.topics.find("invitation.accepted", having(organisation_id=contoso.organisation_id), since=since)
    contoso.harry_id = accepted.data["person_id"]
    profile = await stage.topics.find("person.profile", having(person_id=contoso.harry_id), since=since)
    access = await stage.topics.find("identity.access", having(subject=contoso.harry_id), since=since)
    same(profile.data["language"], "fr", "Harry's language")
    stage.says.told(accepted, profile, access)
    again = await accept(stage, secret, password=contoso.harry_password, country="FR")
    same(again, "invitation-used", "the link used again")
    stage.says.says(f"{ACCEPTED_AT_ONCE} at once, one winner; again: {again}")


async def sign_in(stage: Stage, contoso: Contoso) -> Api:
    """Step 3: Harry signs in on page S02 by authorisation code with PKCE; wrong passwords do not get in."""
    harry = await signed_in(stage, contoso.harry, contoso.harry_password)
    me = await harry.get(stage.url("identity", "/v1/me"))
    same(me["id"], contoso.harry_id, "who is signed in")
    roles = {role for grant in me["grants"] for role in grant["roles"]}
    same(roles, {"account_admin"}, "Harry's roles")
    stage.says.says(f"signed in as {me['email']}, {', '.join(sorted(roles))}")
    return harry


async def invite_colleague(stage: Stage, contoso: Contoso, harry: Api) -> Api:
    """Step 4: Harry invites Nora, in English. She may not invite an administrator, and can't."""
    since = len(stage.topics)
    url = stage.url("identity", f"/v1/accounts/{contoso.account_id}/invitations")
    nora = {
        "email": contoso.nora,
        "first_name": "Nora",
        "last_name": "Reyes",
        "language": "en",
        "country": "GB",
        "roles": ["account_manager"],
    }
    made = await harry.create(url, nora)
    sent = await stage.topics.find("invitation.sent", having(invitation_id=made["id"]), since=since)
    stage.says.told(sent)
    mail = await stage.letters.wait_for(contoso.nora, subject="has given you access to")
    stage.says.says(f"mail to {mail.to}: «{mail.subject}»")
    same(await accept(stage, mail.secret(), password=contoso.nora_password, country="GB"), "", "Nora accepts")
    accepted = await stage.topics.find("invitation.accepted", having(invitation_id=made["id"]), since=since)
    contoso.nora_id = accepted.data["person_id"]
    stage.says.told(accepted)
    api = await signed_in(stage, contoso.nora, contoso.nora_password)
    problem = await api.refused(
        "POST",
        url,
        {**nora, "email": f"eve@{contoso.domain}", "roles": ["account_admin"]},
        name="permission-missing",
        status=403,
    )
    stage.says.says(f"Nora invites an administrator: {problem['status']} {problem['type']}")
    return api


def agreement_of(contoso: Contoso) -> Json:
    """The agreement as the back office states it: two purchasing accounts and the designated administrator."""
    return {
        "number": contoso.agreement_number,
        "partner": contoso.slug,
        "legal_name": f"Contoso {contoso.mark}",
        "place": "Paris",
        "country": "FR",
        "time_zone": "Europe/Paris",
        "starts_on": contoso.starts_on.isoformat(),
        "accounts": [
            {"number": f"PA-{contoso.mark.upper()}-1", "name": f"Contoso {contoso.mark} Paris", "place": "Paris"},
            {"number": f"PA-{contoso.mark.upper()}-2", "name": f"Contoso {contoso.mark} Lyon", "place": "Lyon"},
        ],
        "administrator": {
            "email": contoso.harry,
            "first_name": "Harry",
            "last_name": "Roldan",
            "language": "fr",
            "country": "FR",
        },
    }


async def accept(stage: Stage, secret: str, *, password: str, country: str) -> str:
    """Accepts on page S05 as a browser without script does; the refusal's name, empty when it worked."""
    async with stage.browser() as http:
        page = await http.get(stage.url("identity", "/i"))
        form = form_of(page, holding="secret")
        looked = await http.post(form.action, data={**form.fields, "secret": secret})
        if looked.headers.get("vestibule-problem"):
            return str(looked.headers["vestibule-problem"])
        form = form_of(looked, holding="password")
        typed = {"password": password, "password_again": password, "country": country, "consent": "yes"}
        answer = await http.post(form.action, data={**form.fields, **typed})
        return "" if answer.is_redirect else str(answer.headers.get("vestibule-problem") or f"answered {answer.status_code}")


async def signed_in(stage: Stage, email: str, password: str) -> Api:
    """Somebody who has signed in with a browser of their own."""
    async with stage.browser() as browser:
        return await person(stage.http, browser, stage.urls["identity"], stage.web_client, email, password)

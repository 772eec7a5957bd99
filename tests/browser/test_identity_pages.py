"""S02 and S05 as people meet them: in Chromium, in both languages, narrow and wide, light and dark, with and without script."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from services.identity import commands
from tests.integration.identity.house import PARTNER, PASSWORD, House, pkce, request_for

pytestmark = pytest.mark.anyio

LANGUAGES = {"en": ("Create your organisational account", "Start"), "fr": ("Créer votre compte d’organisation", "Démarrer")}
LOOKS: list[dict[str, Any]] = [
    {"viewport": {"width": 320, "height": 700}, "color_scheme": "light"},
    {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
]


async def invited(house: House) -> str:
    """The secret in Harry's mail."""
    vendor = await house.vendor()
    await vendor.create("/v1/partners", PARTNER)
    await house.agreement(vendor)
    return await house.newest_secret()


async def authorize_url(house: House) -> str:
    query = request_for(await house.site(), pkce()[1])
    return f"{house.ports.issuer}/authorize?{urlencode(query)}"


async def is_accessible(page: Page) -> None:
    """No rule of WCAG 2.2 A and AA is broken, and nothing is wider than the window."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = await Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
    assert found.response["violations"] == [], found.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("look", LOOKS, ids=["narrow-light", "wide-dark"])
@pytest.mark.parametrize("language", ["en", "fr"])
async def test_every_page_can_be_used_by_everybody(house: House, browser: Browser, language: str, look: dict[str, Any]) -> None:
    secret, issuer = await invited(house), house.ports.issuer
    page = await browser.new_page(locale=language, **look)
    await page.goto(await authorize_url(house))
    await is_accessible(page)
    await page.locator("button.primary").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await is_accessible(page)
    await page.goto(f"{issuer}/i?lang={language}")
    await is_accessible(page)
    await page.fill("#secret", "not a code")
    await page.locator("button.primary").click()
    await is_accessible(page)
    await page.fill("#secret", secret)
    await page.locator("button.primary").click()
    heading, start = LANGUAGES[language]
    await expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    await is_accessible(page)
    await page.get_by_role("button", name=start).click()
    await is_accessible(page)
    await expect(page.locator("html")).to_have_attribute("lang", language)


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_a_link_opens_the_account_and_signs_in(house: House, browser: Browser, language: str) -> None:
    secret = await invited(house)
    page = await browser.new_page(locale="de")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    await page.goto(f"{house.ports.issuer}/i?lang={language}#{secret}")
    heading, start = LANGUAGES[language]
    await expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert await house.count("person") == 0
    assert secret not in page.url
    await page.go_back()
    assert secret not in page.url
    await page.goto(f"{house.ports.issuer}/i?lang={language}#{secret}")
    await page.fill("#password", PASSWORD)
    await page.locator("[data-reveals=password]").click()
    await expect(page.locator("#password")).to_have_attribute("type", "text")
    await page.fill("#password_again", PASSWORD)
    await page.select_option("#country", "CH")
    await page.check("#consent")
    await page.get_by_role("button", name=start).click()
    await expect(page.get_by_text("harry@contoso.com")).to_be_visible()
    assert await house.count("person") == 1
    assert not any(secret in url for url in asked)
    assert all(url.startswith(house.ports.issuer) for url in asked)
    assert complaints == []


async def test_everything_works_without_script(house: House, browser: Browser) -> None:
    secret = await invited(house)
    context = await browser.new_context(java_script_enabled=False, locale="en")
    page = await context.new_page()
    await page.goto(f"{house.ports.issuer}/i#{secret}")
    await page.fill("#secret", secret)
    await page.locator("button.primary").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(LANGUAGES["fr"][0])
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(LANGUAGES["en"][0])
    await expect(page.locator(".reveal").first).to_be_hidden()
    await page.fill("#password", PASSWORD)
    await page.fill("#password_again", PASSWORD)
    await page.check("#consent")
    await page.get_by_role("button").filter(has_text=re.compile("Start|Démarrer")).click()
    await expect(page.get_by_text("harry@contoso.com")).to_be_visible()
    await context.close()


async def test_a_site_gets_its_visitor_back_signed_in(house: House, browser: Browser, portal: str) -> None:
    await house.accept(await invited(house))
    site = await commands.add_client(house.ports, "portal", (portal,))
    url = f"{house.ports.issuer}/authorize?{urlencode(request_for(str(site.id), pkce()[1], redirect_uri=portal))}"
    page = await browser.new_page(locale="en")
    await page.goto(url)
    await page.fill("#email", "harry@contoso.com")
    await page.fill("#password", "not the password at all")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("is not right")
    await page.get_by_role("link", name="Français").click()
    await page.fill("#email", "harry@contoso.com")
    await page.fill("#password", PASSWORD)
    await page.get_by_role("button", name="Se connecter").click()
    await expect(page.get_by_text("back at the portal")).to_be_visible()
    assert page.url.startswith(f"{portal}?code=")
    await page.goto(url)
    assert page.url.startswith(f"{portal}?code=")


async def test_somebody_else_has_to_sign_out_first(house: House, browser: Browser) -> None:
    harry, agreement = await house.contoso()
    body = {"email": "nora@contoso.com", "first_name": "Nora", "last_name": "Reyes", "language": "en", "country": "GB"}
    path = f"/v1/accounts/{agreement['accounts'][0]['id']}/invitations"
    await harry.create(path, {**body, "roles": ["account_manager"]})
    secret = await house.newest_secret()
    page = await browser.new_page(locale="en")
    await page.goto(f"{house.ports.issuer}/signin")
    await page.fill("#email", "harry@contoso.com")
    await page.fill("#password", PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(f"{house.ports.issuer}/i#{secret}")
    await expect(page.get_by_text("this invitation is for somebody else")).to_be_visible()
    await is_accessible(page)
    await page.get_by_role("button", name="Sign out").click()
    await page.fill("#secret", secret)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("Harry Roldan invites you to Contoso SARL.")).to_be_visible()

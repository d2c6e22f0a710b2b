"""Login at an OpenID provider: a real one from beginning to end, and one that lies in every way that matters."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from joserfc.jwk import ECKey

from support.glewlwyd import CLIENT, SECRET, Glewlwyd
from support.listeners import serving
from support.login import ADMIN, Browser, Site, site
from support.lying_provider import LyingProvider, lying_provider
from support.processes import free_port
from tslcd_collector.access import people
from tslcd_collector.access.provider import OpenId, ProviderError
from tslcd_collector.access.settings import AccessSettings, Provider
from tslcd_collector.commands import check
from tslcd_collector.operations import trail
from tslcd_runtime.language import Language
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

OWN = "http://127.0.0.1:9470"
FOREIGN = ECKey.generate_key("P-256", {"kid": "one"})


async def _through(real: Glewlwyd, browser: Browser, name: str, onward: str = "/") -> str:
    """Begin at the collector, log in at the provider, and return the address that it sends back to."""
    begun = await browser.get("/login/provider", params={"next": onward})
    assert begun.status_code == 303
    return await asyncio.to_thread(real.consent, name, begun.headers["location"])


async def test_people_of_a_real_provider_log_in_and_out(tmp_path: Path) -> None:
    """Roles by group, a changed key, an answer taken once and by its own browser only, disabled here, logged out there."""
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    real = await asyncio.to_thread(Glewlwyd, tmp_path / "provider", own)
    settings = AccessSettings(
        mode="oidc",
        public_read=False,
        url=own,
        oidc=Provider(
            issuer=real.issuer,
            client_id=CLIENT,
            client_secret=Secret(SECRET),
            scopes=("openid",),
            name_claim="name",
            operators=("noc-operators",),
            viewers=("noc",),
        ),
    )
    context = real.running({"lan": ["noc-operators", "noc"], "minh": ["noc"], "khach": ["others"], "tran": ["noc"]})
    await asyncio.to_thread(context.__enter__)
    try:
        await _checked(settings, real)
        async with site(tmp_path, settings, port) as running:
            await _log_in_and_out(real, running)
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


async def _checked(settings: AccessSettings, real: Glewlwyd) -> None:
    """`check` reads the real provider, and tells of an issuer that it does not call itself, or does not have."""
    good, text = await _check(settings, real.issuer)
    assert (good, "keys can be read" in text) == (True, True), text
    good, text = await _check(settings, real.issuer.replace("localhost", "127.0.0.1"))
    assert (good, f"the provider calls itself '{real.issuer}': access.oidc.issuer" in text) == (False, True), text
    good, text = await _check(settings, f"{real.issuer}x")
    assert (good, "cannot read /api/oidcx/.well-known/openid-configuration: 404" in text) == (False, True), text


async def _check(settings: AccessSettings, issuer: str, language: Language = Language.EN) -> tuple[bool, str]:
    assert settings.oidc is not None
    changed = msgspec.structs.replace(settings, oidc=msgspec.structs.replace(settings.oidc, issuer=issuer))
    (found,) = await asyncio.to_thread(check.login, changed, language)
    assert found.text.startswith(f"{issuer}: ")
    assert SECRET not in found.text
    assert found.text.isprintable()
    return found.ok, found.text


async def _log_in_and_out(real: Glewlwyd, running: Site) -> None:
    async with Browser(running.url) as browser, Browser(running.url) as other:
        page = await browser.get("/login?next=/account")
        assert "/login/provider?next=%2Faccount" in page.text
        # browsers let the logout form lead on to the provider
        assert f"form-action 'self' http://localhost:{real.port}" in page.headers["content-security-policy"]
        back = await _through(real, browser, "lan", "/account")
        assert (await other.get(back)).status_code == 403
        entered = await browser.get(back)
        assert (entered.status_code, entered.headers["location"]) == (303, "/account")
        account = await browser.get("/account")
        assert "operator" in account.text
        assert 'name="new"' not in account.text
        assert (await browser.get(back)).status_code == 403
        token = await browser.csrf()
        sent = {"text": "đã gọi nhà mạng", "csrf": token}
        assert (await browser.post("/api/v1/channels/c1/comments", data=sent)).status_code == 303
        left = await browser.post("/logout", data={"csrf": token})
        there = urlsplit(left.headers["location"])
        asked = parse_qs(there.query)
        assert there.path.endswith("/end_session")
        assert asked["post_logout_redirect_uri"] == [f"{running.url}/login"]
        assert asked["id_token_hint"][0].count(".") == 2
        accepted = await other.get(left.headers["location"])
        assert accepted.status_code == 302
        assert "invalid" not in accepted.headers["location"]
        assert (await browser.get("/account")).headers["location"] == "/login?next=/account"
    await asyncio.to_thread(real.change_key)
    provider = await running.access.provider()
    assert provider._keys is not None
    provider._keys = (provider._keys[0] - 11, provider._keys[1])
    async with Browser(running.url) as browser:
        entered = await browser.get(await _through(real, browser, "minh", "//evil.example"))
        assert entered.headers["location"] == "/"
        sent = {"text": "x", "csrf": await browser.csrf()}
        assert (await browser.post("/api/v1/channels/c1/comments", data=sent)).status_code == 403
        await running.operations.run(lambda file: people.set_disabled(file, "minh", ADMIN, 0.0, disabled=True))
        assert (await browser.get("/account")).status_code == 303
    # a name that is another's is refused, until an administrator makes it free
    await running.add("tran")
    for name in ("minh", "khach", "tran"):
        async with Browser(running.url) as browser:
            refused = await browser.get(await _through(real, browser, name))
            assert refused.status_code == 403
            assert "tslcd_session" not in browser.cookies
    await running.operations.run(lambda file: people.remove(file, "tran", ADMIN, 0.0))
    async with Browser(running.url) as browser:
        assert (await browser.get(await _through(real, browser, "tran"))).status_code == 303
    trail = await running.audit()
    assert [(who, what) for who, what, _ in trail if what in {"login", "logout", "comment"}] == [
        ("lan", "login"),
        ("lan", "comment"),
        ("lan", "logout"),
        ("minh", "login"),
        ("tran", "login"),
    ]
    assert [target for _, what, target in trail if what == "login-failed"] == ["", "", "minh", "", ""]


@pytest.fixture
async def liar() -> AsyncIterator[LyingProvider]:
    """Serve a provider that can lie."""
    async with lying_provider() as one:
        yield one


def _client(liar: LyingProvider, **changes: Any) -> OpenId:
    values: dict[str, Any] = {"operators": ("noc-operators",), "viewers": ("noc",), **changes}
    return OpenId(Provider(issuer=liar.issuer, client_id=CLIENT, client_secret=Secret("s"), **values), OWN)


async def _log_in(liar: LyingProvider, client: OpenId, **answer: str) -> Any:
    """Go through a login with what the provider says now."""
    try:
        there = await client.begin("browser", "/")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
        liar.nonce = asked["nonce"]
        return await client.finish({"state": asked["state"], "code": "c", **answer}, "browser", time.time())
    finally:
        await client.close()


LIES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"claims": {"nonce": "another"}}, "token"),
    ({"claims": {"nonce": None}}, "token"),
    ({"claims": {"iss": "https://evil.example"}}, "token"),
    ({"claims": {"iss": None}}, "token"),
    ({"claims": {"aud": "another-client"}}, "token"),
    ({"claims": {"aud": "another-client", "azp": CLIENT}}, "token"),
    ({"claims": {"aud": [CLIENT, "another"], "azp": "another"}}, "token"),
    ({"claims": {"exp": 1_700_000_000}}, "token"),
    ({"claims": {"exp": None}}, "token"),
    ({"claims": {"exp": "soon"}}, "token"),
    ({"claims": {"nbf": 4_000_000_000}}, "token"),
    ({"claims": {"sub": None}}, "token"),
    ({"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}}, "token"),
    ({"header": {"alg": "none"}}, "algorithm"),
    ({"header": {"alg": "HS256"}}, "algorithm"),
    ({"header": {"kid": "two"}}, "key"),
    ({"key": FOREIGN}, "signature"),
    ({"tokens": {"id_token": None}}, "token"),
    ({"tokens": {"id_token": "x.y.z"}}, "token"),
    ({"tokens": {"id_token": "x"}}, "token"),
    ({"claims": {"groups": ["others"]}}, "role"),
    ({"claims": {"groups": {"noc": True}}}, "role"),
    ({"claims": {"groups": None}}, "role"),
    ({"claims": {"groups": None}, "user_info": {"sub": "s-2", "groups": ["noc"]}}, "subject"),
    ({"metadata": {"issuer": "https://evil.example"}}, "issuer"),
    ({"metadata": {"token_endpoint": "http://evil.example/token"}}, "discovery"),
    ({"metadata": {"jwks_uri": None}}, "discovery"),
    ({"jwks": {"keys": "none"}}, "key"),
    ({"answer": {"content": b"{", "status_code": 200}}, "answer"),
    ({"answer": {"content": b"[]", "status_code": 200}}, "answer"),
    ({"answer": {"content": b"{}", "status_code": 400}}, "answer"),
    ({"answer": {"content": b"", "status_code": 302, "headers": {"location": "http://evil.example"}}}, "answer"),
    ({"answer": {"content": b" " * 600_000, "status_code": 200}}, "answer"),
)
ANSWERS = (
    ({"state": "another"}, "state"),
    ({"state": ""}, "state"),
    ({"error": "access_denied"}, "refused"),
    ({"code": ""}, "code"),
    ({"iss": "https://evil.example"}, "issuer"),
)


async def test_a_provider_that_lies_lets_nobody_in(liar: LyingProvider) -> None:
    """Each lie ends the login with its own code, and no token is in what is said about it."""
    for lie, code in LIES:
        liar.lie = lie
        with pytest.raises(ProviderError) as caught:
            await _log_in(liar, _client(liar))
        assert caught.value.code == code, lie
        assert "eyJ" not in str(caught.value), lie
        assert trail.detail("login-failed", str(caught.value)).vi != str(caught.value), lie


async def test_an_answer_that_is_not_ours_is_refused(liar: LyingProvider) -> None:
    """Another state, no code, an error, another provider (RFC 9207); the provider is not even asked for tokens."""
    for answer, code in ANSWERS:
        with pytest.raises(ProviderError) as caught:
            await _log_in(liar, _client(liar), **answer)
        assert caught.value.code == code, answer
        assert trail.detail("login-failed", str(caught.value)).vi != str(caught.value), answer
    assert liar.asked == []


async def test_a_login_is_finished_once(liar: LyingProvider) -> None:
    """The same answer again is nobody's, although this provider would give tokens for it again."""
    client = _client(liar)
    there = await client.begin("browser", "/")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
    liar.nonce = asked["nonce"]
    answer = {"state": asked["state"], "code": "c"}
    assert (await client.finish(answer, "browser", time.time())).name == "lan"
    with pytest.raises(ProviderError, match="begin again"):
        await client.finish(answer, "browser", time.time())
    assert len(liar.asked) == 1
    await client.close()


async def test_what_is_true_gets_in_with_the_role_of_the_claim(liar: LyingProvider) -> None:
    """Groups as a list or a text, a level down, from the user info; clocks a little apart; the verifier and the secret are sent."""
    for lie, changes, role in (
        ({}, {}, "viewer"),
        ({"claims": {"groups": "noc noc-operators"}}, {}, "operator"),
        ({"claims": {"groups": None, "realm": {"roles": ["noc"]}}}, {"role_claim": "realm.roles"}, "viewer"),
        ({"claims": {"groups": None}, "user_info": {"sub": "s-1", "groups": ["noc-operators"]}}, {}, "operator"),
        ({"claims": {"groups": None}}, {"viewers": ("*",)}, "viewer"),
        ({"claims": {"iat": int(time.time()) + 30}}, {}, "viewer"),
        ({"header": {"kid": None}}, {}, "viewer"),
    ):
        liar.lie = lie
        found = await _log_in(liar, _client(liar, **changes))
        assert (found.name, found.role.value) == ("lan", role), lie
    sent = parse_qs(liar.asked[0]["body"])
    assert len(sent["code_verifier"][0]) == 64
    assert sent["client_secret"] == ["s"]
    liar.lie = {"claims": {"preferred_username": "\x07"}}
    assert (await _log_in(liar, _client(liar))).name == "s-1"


async def test_a_changed_key_is_asked_for_once_and_not_again_and_again(liar: LyingProvider) -> None:
    """The new key is fetched when it is needed; unknown keys right after it cost the provider nothing."""
    client = _client(liar)
    assert (await _log_in(liar, client)).name == "lan"
    liar.key = ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})
    liar.lie = {"header": {"kid": "two"}}
    with pytest.raises(ProviderError, match="does not publish"):
        await _log_in(liar, client)
    assert client._keys is not None
    client._keys = (client._keys[0] - 11, client._keys[1])
    assert (await _log_in(liar, client)).name == "lan"


async def test_check_says_in_one_line_what_is_wrong_with_a_provider(
    liar: LyingProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Away, mute, no TLS, another issuer, no endpoint, no keys, not JSON: each by name, in either language."""
    provider = Provider(issuer=liar.issuer, client_id=CLIENT, client_secret=Secret(SECRET), viewers=("*",))
    settings = AccessSettings(mode="oidc", url=OWN, oidc=provider)
    evil = {"metadata": {"issuer": "https://evil.example\n" + "x" * 900}}
    for lie, expected in (
        (evil, "calls itself 'https://evil.example"),
        ({"metadata": {"token_endpoint": None}}, "its token_endpoint is missing, or not https"),
        ({"metadata": {"jwks_uri": f"{liar.issuer}/none"}}, "cannot read /none: 404"),
        ({"jwks": {"keys": []}}, "publishes no key"),
        ({}, "discovery and 1 keys can be read"),
    ):
        liar.lie = lie
        good, text = await _check(settings, liar.issuer)
        assert expected in text
        assert good is (lie == {})
        assert len(text) < 400
    _, text = await _check(settings, f"http://127.0.0.1:{free_port()}")
    assert text.endswith("cannot be reached: connection refused")
    _, text = await _check(settings, f"http://127.0.0.1:{free_port()}", Language.VI)
    assert "không kết nối được" in text
    _, text = await _check(settings, liar.issuer.replace("http:", "https:"))
    assert "cannot be reached: no TLS: " in text
    monkeypatch.setattr("tslcd_collector.commands.check._LOGIN_TIMEOUT", 0.2)
    async with serving(lambda reader, _: reader.read()) as mute:
        _, text = await _check(settings, f"http://127.0.0.1:{mute}")
    assert "no answer" in text
    lost = msgspec.structs.replace(settings, oidc=msgspec.structs.replace(provider, ca="/nonexistent.pem"))
    (found,) = await asyncio.to_thread(check.login, lost, Language.EN)
    assert (found.ok, found.text) == (False, "/nonexistent.pem: no such file or directory")
    assert check.login(AccessSettings(), Language.EN) == []


async def test_a_provider_that_is_away_or_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page says so and nothing else is lost; one that accepts and never answers is given up."""
    monkeypatch.setattr("tslcd_collector.access.provider.TIMEOUT", 0.2)
    async with serving(lambda reader, _: reader.read()) as mute:
        for used in (free_port(), mute):
            own = free_port()
            provider = Provider(issuer=f"http://127.0.0.1:{used}", client_id=CLIENT, viewers=("*",))
            settings = AccessSettings(mode="oidc", url=f"http://127.0.0.1:{own}", oidc=provider)
            async with site(tmp_path, settings, own) as running, Browser(running.url) as browser:
                refused = await browser.get("/login/provider")
                assert (refused.status_code, "Không kết nối được máy chủ đăng nhập" in refused.text) == (503, True)
                assert (await browser.get("/maintenance")).status_code == 200
                assert (await browser.post("/login", data={"name": "a"})).status_code == 405


async def test_logins_under_way_are_bounded_and_end(liar: LyingProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest of too many is forgotten, and one that took too long."""
    monkeypatch.setattr("tslcd_collector.access.provider.MAX_FLOWS", 2)
    client = _client(liar)
    for browser in ("a", "b", "c"):
        await client.begin(browser, "/")
    assert len(client._flows) == 2
    with pytest.raises(ProviderError, match="begin again"):
        await client.finish({"state": "x", "code": "c"}, "a", time.time())
    monkeypatch.setattr("tslcd_collector.access.provider.FLOW", -1.0)
    with pytest.raises(ProviderError, match="took too long"):
        await client.finish({"state": "x", "code": "c"}, "b", time.time())
    await client.close()

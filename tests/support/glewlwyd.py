"""A real OpenID provider for tests: Glewlwyd of Debian on loopback, with a SQLite file of its own, set up by its REST API."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support.processes import Program, find_program, free_port, port_open, running

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT: Final = "tslcd-collector"
SECRET: Final = "a secret of this client"
PASSWORD: Final = "mật khẩu ở cơ quan"
_SCHEMA: Final = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
_CONFIGURATION: Final = """
port={port}
bind_address="127.0.0.1"
external_url="http://localhost:{port}/"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="WARNING"
cookie_secure=0
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database = {{ type = "sqlite3"; path = "{database}"; }};
"""


class Glewlwyd:
    """The provider; ``own`` is the address of the collector that may send people to it."""

    def __init__(self, directory: Path, own: str) -> None:
        """Write its files; nothing runs yet."""
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.issuer = f"http://localhost:{self.port}/api/oidc"
        self._own = own
        database, configuration = directory / "glewlwyd.db", directory / "glewlwyd.conf"
        with contextlib.closing(sqlite3.connect(database)) as one:
            one.executescript(_SCHEMA.read_text())
            one.execute(
                "UPDATE g_user_module_instance SET gumi_parameters = json_set(gumi_parameters,"
                ' \'$.data-format.groups\', json(\'{"multiple":true,"read":true,"write":true}\'))'
            )
            one.commit()
        configuration.write_text(_CONFIGURATION.format(port=self.port, database=database))
        command = [find_program("glewlwyd"), f"--config-file={configuration}"]
        self.program = Program(command, directory / "glewlwyd.log")

    @contextlib.contextmanager
    def running(self, people: dict[str, list[str]]) -> Iterator[Glewlwyd]:
        """Run for the time of a block, with people by name and the groups of each."""
        with running(self.program, lambda: port_open(self.port), 15):
            self._set_up(people)
            yield self

    def change_key(self) -> None:
        """Sign with another key from now on."""
        with self._administrator() as client:
            _good(client.delete("/mod/plugin/oidc"))
            _good(client.post("/mod/plugin/", json=self._plugin()))

    def consent(self, name: str, address: str) -> str:
        """Log in as a person at ``address``, as a browser would, and return where that is sent back to."""
        with httpx.Client(base_url=f"http://localhost:{self.port}/api", trust_env=False) as browser:
            _good(browser.post("/auth/", json={"username": name, "password": PASSWORD}))
            _good(browser.put(f"/auth/grant/{CLIENT}", json={"scope": "openid"}))
            asked = urlsplit(address)
            answer = browser.get(f"http://localhost:{self.port}{asked.path}?{asked.query}&g_continue")
            assert answer.status_code == 302, answer.text
            return str(answer.headers["location"])

    def _set_up(self, people: dict[str, list[str]]) -> None:
        client_data = {
            "client_id": CLIENT,
            "name": CLIENT,
            "enabled": True,
            "confidential": True,
            "password": SECRET,
            "client_secret": SECRET,
            "token_endpoint_auth_method": ["client_secret_basic"],
            "redirect_uri": [f"{self._own}/login/callback"],
            "post_logout_redirect_uri": f"{self._own}/login",
            "authorization_type": ["code"],
            "scope": ["openid"],
        }
        with self._administrator() as client:
            _good(client.post("/mod/plugin/", json=self._plugin()))
            _good(client.post("/client/", json=client_data))
            for name, groups in people.items():
                person = {"username": name, "name": name, "password": PASSWORD, "enabled": True, "scope": ["openid"]}
                _good(client.post("/user/", json={**person, "groups": groups}))

    @contextlib.contextmanager
    def _administrator(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=f"http://localhost:{self.port}/api", trust_env=False) as client:
            _good(client.post("/auth/", json={"username": "admin", "password": "password"}))
            yield client

    def _plugin(self) -> dict[str, Any]:
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        parameters = {
            "iss": self.issuer,
            "jwt-type": "ecdsa",
            "jwt-key-size": "256",
            "key": private.decode(),
            "cert": public.decode(),
            "default-kid": uuid.uuid4().hex,
            "access-token-duration": 3600,
            "refresh-token-duration": 1209600,
            "code-duration": 600,
            "refresh-token-rolling": True,
            "allow-non-oidc": False,
            "auth-type-code-enabled": True,
            "auth-type-code-revoke-replayed": True,
            "jwks-show": True,
            "subject-type": "public",
            "pkce-allowed": True,
            "pkce-required": True,
            "pkce-method-plain-allowed": False,
            "oauth-as-iss-id": True,
            "session-management-allowed": True,
            "session-cookie-name": "GLEWLWYD2_OIDC_SID",
            "session-cookie-expiration": 3600,
            "name-claim": "mandatory",
            "claims": [{"name": "groups", "user-property": "groups", "type": "string", "mandatory": True, "scope": []}],
        }
        return {
            "module": "oidc",
            "name": "oidc",
            "display_name": "oidc",
            "enabled": True,
            "parameters": parameters,
        }


def callback(address: str) -> dict[str, str]:
    """Return what the provider tells in the address that it sends back to."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def _good(answer: httpx.Response) -> None:
    assert answer.status_code == httpx.codes.OK, f"{answer.request.url}: {answer.status_code} {answer.text}"

"""Style and scripts, as the browser gets them: named after their contents, so that it keeps them for ever and never has an old one."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response

from tslcd_collector.exposition import wants_gzip

if TYPE_CHECKING:
    from starlette.requests import Request

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: ``path`` is where it is served."""

    path: str
    type: str
    body: bytes
    zipped: bytes


class Assets:
    """The files of ``static/``, read once."""

    def __init__(self) -> None:
        """Read and compress all of them."""
        self._by_name: dict[str, Asset] = {}
        for file in resources.files(__package__).joinpath("static").iterdir():
            stem, dot, suffix = file.name.rpartition(".")
            if dot + suffix not in _TYPES:
                continue
            body = file.read_bytes()
            digest = hashlib.sha256(body).hexdigest()[:12]
            path = f"/static/{stem}.{digest}.{suffix}"
            self._by_name[file.name] = Asset(path, _TYPES[dot + suffix], body, gzip.compress(body, 9, mtime=0))
        self._by_path = {asset.path: asset for asset in self._by_name.values()}
        self.version = hashlib.sha256(" ".join(sorted(self._by_path)).encode()).hexdigest()[:8]

    def path(self, name: str) -> str:
        """Return where a file is served."""
        return self._by_name[name].path

    def answer(self, request: Request) -> Response:
        """Serve a file; the name of an earlier version is not found, so that nobody keeps a wrong one under it."""
        asset = self._by_path.get(request.scope["path"])
        if asset is None:
            return PlainTextResponse("no such file\n", 404)
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "ETag": f'"{asset.path.split(".")[-2]}"',
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        zipped = wants_gzip(request.headers.get("accept-encoding", ""))
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return Response(asset.zipped if zipped else asset.body, media_type=asset.type, headers=headers)


#: The files of this version.
SHIPPED: Final = Assets()

"""A settings type with everything that settings may have, for tests of the machinery itself."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from tslcd_runtime.secret import Secret
from tslcd_runtime.units import BitRate, ByteSize, Duration, Ratio


class Device(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One device, with bounds of every sort."""

    name: Annotated[str, Meta(pattern=r"^[a-z]+\Z", max_length=8)]
    code: Annotated[str, Meta(min_length=1)] | None = None
    port: Annotated[int, Meta(ge=1, le=65535)] = 161
    weight: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    version: Literal["v2c", "v3"] = "v2c"
    community: Secret | None = None

    def __post_init__(self) -> None:
        """Refuse what no single key shows."""
        if self.version == "v3" and self.community is not None:
            msg = "v3 has no community"
            raise ValueError(msg)


class Sample(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """All types at once."""

    interval: Duration = 30.0
    spool: ByteSize = 200.0 * 2**20
    share: Ratio = 0.05
    rate: BitRate | None = None
    enabled: bool = True
    devices: Annotated[list[Device], Meta(max_length=3)] = []
    labels: dict[Annotated[str, Meta(pattern="^[a-z]+$")], str] = {}
    ports: Annotated[tuple[int, ...], Meta(min_length=2)] = (1, 2)
    title: str = ""

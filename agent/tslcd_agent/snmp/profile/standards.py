"""The MIBs that many vendors share. Pure.

ENTITY-SENSOR-MIB (RFC 3433) and Cisco's elder of it, ENTITY-MIB (RFC 6933), HOST-RESOURCES-MIB (RFC 2790). The last two are profiles' expressions like any other; sensors have units and scales of their own in every row, which
expressions cannot say.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tslcd_agent.snmp.profile.document import Expression, Standard, TableStandard, Where

if TYPE_CHECKING:
    from tslcd_agent.snmp.profile.expression import Cells, Result

_PHYSICAL: Final = "1.3.6.1.2.1.47.1.1.1.1"
_PHYSICAL_DESCR: Final = f"{_PHYSICAL}.2"
_PHYSICAL_NAME: Final = f"{_PHYSICAL}.7"
_CHASSIS: Final = Where(oid=f"{_PHYSICAL}.5", in_=(3,))
_STORAGE: Final = "1.3.6.1.2.1.25.2.3.1"
#: hrStorageRam
_RAM: Final = Where(oid=f"{_STORAGE}.2", in_=("1.3.6.1.2.1.25.2.1.2",))
#: What Net-SNMP counts as used and Linux gives back when it is needed.
_CACHES: Final = Where(oid=f"{_STORAGE}.3", in_=("Memory buffers", "Cached memory"))


def _chassis(column: int) -> Expression:
    return Expression(oid=f"{_PHYSICAL}.{column}", aggregate="first", where=_CHASSIS, every="start")


def _storage(column: int, where: Where) -> Expression:
    return Expression(oid=f"{_STORAGE}.{column}", aggregate="sum", where=where)


_SIZE: Final = _storage(5, _RAM)
_USED: Final = Expression(difference=(_storage(6, _RAM), Expression(first=(_storage(6, _CACHES), Expression(const=0)))))

#: Columns of ``device`` that a standard gives, where the profile itself has none.
SCALAR_STANDARDS: Final[dict[Standard, dict[str, Expression]]] = {
    "entity-identity": {
        "vendor": _chassis(12),
        "model": _chassis(13),
        "serial": _chassis(11),
        "software_version": _chassis(10),
    },
    "host-resources": {
        "cpu_utilization_ratio": Expression(oid="1.3.6.1.2.1.25.3.3.1.2", aggregate="mean", scale=0.01),
        "memory_utilization_ratio": Expression(ratio=(_USED, _SIZE)),
        "memory_total_bytes": Expression(
            product=(_SIZE, Expression(oid=f"{_STORAGE}.4", aggregate="first", where=_RAM)), every="start"
        ),
    },
}


@dataclass(frozen=True, slots=True)
class SensorStandard:
    """Where a table of sensors stands; the columns are type, scale, precision, value and status, in this order."""

    entry: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that every row has."""
        return tuple(f"{self.entry}.{column}" for column in range(1, 6))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that say how a sensor is called: entPhysicalName, else entPhysicalDescr."""
        return _PHYSICAL_NAME, _PHYSICAL_DESCR

    def cells(self, view: Cells, name: str) -> dict[str, Result]:
        """Work one sensor out; ``name`` tells received from transmitted optical power."""
        kind, scale, precision, value, status = (view.cell(oid) for oid in self.columns)
        if not isinstance(kind, int) or kind not in _COLUMN_OF_TYPE:
            return {}
        cells: dict[str, Result] = {"status": _STATUS.get(status) if isinstance(status, int) else None}
        column, what = _COLUMN_OF_TYPE[kind]
        number = scaled(value, scale, precision) if status == _OK else None
        if kind in {_WATTS, _DBM} and (way := _WAY.search(name)) is not None:
            column = "receive_power_dbm" if way["receive"] else "transmit_power_dbm"
            what = "optical"
            if kind == _WATTS and number is not None:
                number = 10 * math.log10(number * 1000) if number > 0 else None
        elif kind == _DBM:
            return {}
        if kind == _PERCENT_HUMIDITY and number is not None:
            number /= 100
        return {**cells, "type": what, column: number}


_WATTS: Final = 6
_PERCENT_HUMIDITY: Final = 9
_DBM: Final = 14
#: EntitySensorDataType (RFC 3433); 14 is Cisco's dBm.
_COLUMN_OF_TYPE: Final = {
    3: ("voltage_volts", "voltage"),
    4: ("voltage_volts", "voltage"),
    5: ("current_amperes", "current"),
    _WATTS: ("power_watts", "power"),
    8: ("temperature_celsius", "temperature"),
    _PERCENT_HUMIDITY: ("humidity_ratio", "humidity"),
    10: ("speed_rpm", "fan"),
    _DBM: ("receive_power_dbm", "optical"),
}
_OK: Final = 1
#: EntitySensorStatus: ok, unavailable (no value now), nonoperational (broken).
_STATUS: Final = {_OK: "ok", 2: "unknown", 3: "failed"}
#: EntitySensorDataScale: units(9) stand for 10**0, and every step for 10**3.
_UNITS: Final = 9
_OVERFLOW: Final = 1_000_000_000
_SCALES: Final = range(1, 18)
_PRECISIONS: Final = range(1, 10)
_WAY: Final = re.compile(r"(?i)(?P<receive>\brx\b|\breceive|\binput power)|\btx\b|\btransmit|\boutput power|\blaser")

#: Sensors of the standard MIB, and of CISCO-ENTITY-SENSOR-MIB, which has the same columns under another root.
SENSOR_STANDARDS: Final[dict[TableStandard | str, SensorStandard]] = {
    "entity-sensor": SensorStandard("1.3.6.1.2.1.99.1.1.1"),
    "cisco-entity-sensor": SensorStandard("1.3.6.1.4.1.9.9.91.1.1.1.1"),
}
#: What a standard table of sensors may give.
SENSOR_COLUMNS: Final = frozenset(
    {"status", "type", "transmit_power_dbm", *(name for name, _ in _COLUMN_OF_TYPE.values())}
)


def scaled(value: object, scale: object, precision: object) -> float | None:
    """Return a reading in units: ``value`` has ``precision`` decimal places and is in steps of ``scale`` (RFC 3433).

    A negative precision counts significant digits, which changes nothing. The largest and smallest value stand for
    overflow and underflow.
    """
    if not isinstance(value, int) or abs(value) >= _OVERFLOW:
        return None
    exponent = 3 * (scale - _UNITS) if isinstance(scale, int) and scale in _SCALES else 0
    if isinstance(precision, int) and precision in _PRECISIONS:
        exponent -= precision
    return float(f"{value}e{exponent}")

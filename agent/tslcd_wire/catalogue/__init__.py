"""The catalogue: every kind of thing a report can tell about, and every column of it.

A report carries *tables*; a table tells about things of one *kind*; a kind has *columns*. Column ``c`` of kind ``k``
becomes the Prometheus family ``tslcd_<k>_<c>`` with the labels ``province, site, agent, device`` and, where the kind has
keys, ``<k>``. What is not in the catalogue is never exported.

Invariants:

* Names are ``[a-z][a-z0-9_]*``; a ``COUNTER`` ends in ``_total`` and nothing else does; units are Prometheus base units
  and are part of the name (https://prometheus.io/docs/practices/naming/).
* Columns are only ever added. A column that changed its meaning is a new column; a breaking change of the contract is a
  new topic version (:mod:`tslcd_wire.topics`).
* ``TEXT`` columns never become series of their own: they are the labels of ``tslcd_<k>_info``.
* A ``STATE`` column is exported one-hot, with the label ``state`` over its closed set of values.
"""

from __future__ import annotations

from typing import Final

from tslcd_wire.catalogue.column import MAX_COUNTER as MAX_COUNTER
from tslcd_wire.catalogue.column import MAX_KEY_CHARS as MAX_KEY_CHARS
from tslcd_wire.catalogue.column import MAX_TEXT_CHARS as MAX_TEXT_CHARS
from tslcd_wire.catalogue.column import Column as Column
from tslcd_wire.catalogue.column import Kind as Kind  # noqa: TC001 - re-exported
from tslcd_wire.catalogue.column import Type as Type
from tslcd_wire.catalogue.column import Unit as Unit
from tslcd_wire.catalogue.devices import DEVICE as DEVICE
from tslcd_wire.catalogue.devices import INTERFACE as INTERFACE
from tslcd_wire.catalogue.devices import SNMP_STATES as SNMP_STATES
from tslcd_wire.catalogue.equipment import BATTERY_STATES as BATTERY_STATES
from tslcd_wire.catalogue.equipment import FIREWALL as FIREWALL
from tslcd_wire.catalogue.equipment import HA_ROLES as HA_ROLES
from tslcd_wire.catalogue.equipment import PATH as PATH
from tslcd_wire.catalogue.equipment import SENSOR as SENSOR
from tslcd_wire.catalogue.equipment import SENSOR_STATES as SENSOR_STATES
from tslcd_wire.catalogue.equipment import TUNNEL as TUNNEL
from tslcd_wire.catalogue.equipment import UPS as UPS
from tslcd_wire.catalogue.equipment import UPS_SOURCES as UPS_SOURCES
from tslcd_wire.catalogue.measurements import AGENT as AGENT
from tslcd_wire.catalogue.measurements import PROBE as PROBE
from tslcd_wire.catalogue.measurements import PROBE_OUTCOMES as PROBE_OUTCOMES

#: Every kind, in the order of documentation and exposition.
KINDS: Final[tuple[Kind, ...]] = (
    DEVICE,
    INTERFACE,
    SENSOR,
    FIREWALL,
    TUNNEL,
    PATH,
    UPS,
    PROBE,
    AGENT,
)
KINDS_BY_NAME: Final[dict[str, Kind]] = {kind.name: kind for kind in KINDS}

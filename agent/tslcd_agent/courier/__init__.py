"""Spool to broker: which way, when, and how fast; the only part of the agent that talks MQTT for reports.

:mod:`.service` has the connection. What it decides is pure and beside it: :mod:`.route` (which uplink, after what pause),
:mod:`.lanes` (what is under way and what is confirmed), :mod:`.pace` (how fast history may go), :mod:`.answers` (what the
collectors' acknowledgements mean); :mod:`.status` tells that the agent is there, :mod:`.meter` counts the bytes of metered uplinks.
"""

from tslcd_agent.courier.service import Courier

__all__ = ["Courier"]

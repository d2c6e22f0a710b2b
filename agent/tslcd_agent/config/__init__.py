"""The agent's settings: one module a section, put together and checked whole in :mod:`tslcd_agent.config.agent`."""

from __future__ import annotations

from tslcd_agent.config.agent import AgentConfig as AgentConfig
from tslcd_agent.config.agent import Courier as Courier
from tslcd_agent.config.agent import Identity as Identity
from tslcd_agent.config.agent import Poll as Poll
from tslcd_agent.config.agent import Spool as Spool
from tslcd_agent.config.agent import cross_check as cross_check
from tslcd_agent.config.agent import load_config as load_config
from tslcd_agent.config.devices import MIN_PASSWORD_CHARS as MIN_PASSWORD_CHARS
from tslcd_agent.config.devices import Auth as Auth
from tslcd_agent.config.devices import Device as Device
from tslcd_agent.config.devices import Interfaces as Interfaces
from tslcd_agent.config.devices import PolledDevice as PolledDevice
from tslcd_agent.config.devices import Priv as Priv
from tslcd_agent.config.devices import Snmp as Snmp
from tslcd_agent.config.devices import Watch as Watch
from tslcd_agent.config.links import Links as Links
from tslcd_agent.config.links import Traps as Traps
from tslcd_agent.config.probes import DnsProbe as DnsProbe
from tslcd_agent.config.probes import HttpProbe as HttpProbe
from tslcd_agent.config.probes import IcmpProbe as IcmpProbe
from tslcd_agent.config.probes import MqttProbe as MqttProbe
from tslcd_agent.config.probes import PathProbe as PathProbe
from tslcd_agent.config.probes import Probe as Probe
from tslcd_agent.config.probes import TcpProbe as TcpProbe
from tslcd_agent.config.probes import TlsProbe as TlsProbe
from tslcd_agent.config.uplinks import Uplink as Uplink
from tslcd_agent.config.values import MIN_INTERVAL as MIN_INTERVAL
from tslcd_agent.config.values import normal_address as normal_address

"""The inventory: what a province supervises, from YAML files in a folder, checked whole.

``load(folder)`` is the way in; it raises :class:`tslcd_runtime.settings.SettingsError` with every problem at once.
"""

from tslcd_collector.inventory.bindings import binding_problems
from tslcd_collector.inventory.classes import ChannelClass, DeviceClass
from tslcd_collector.inventory.files import Agency, Binding, Contact, Device, Province, Site
from tslcd_collector.inventory.loading import load
from tslcd_collector.inventory.model import Channel, DeviceKey, Inventory

__all__ = [
    "Agency",
    "Binding",
    "Channel",
    "ChannelClass",
    "Contact",
    "Device",
    "DeviceClass",
    "DeviceKey",
    "Inventory",
    "Province",
    "Site",
    "binding_problems",
    "load",
]

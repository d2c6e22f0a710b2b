"""What every command begins with: the settings, or what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tslcd_agent.config import load_config
from tslcd_runtime.command import config_option, refuse_settings
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from tslcd_agent.config import AgentConfig

DEFAULT_CONFIG: Final = Path("/etc/tslcd/agent.yaml")

path_option = config_option(DEFAULT_CONFIG)


def load(path: Path) -> AgentConfig:
    """Read the settings, or say every problem of them and end the program with 2."""
    try:
        return load_config(path).value
    except SettingsError as error:
        refuse_settings(error)

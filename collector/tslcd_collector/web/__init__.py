"""What the collector shows over HTTP: metrics for Prometheus, health for supervisors, JSON for programs, a page for people."""

from tslcd_collector.serving import bind, serve
from tslcd_collector.web.application import application
from tslcd_collector.web.day_file import DayFile
from tslcd_collector.web.view import View

__all__ = ["DayFile", "View", "application", "bind", "serve"]

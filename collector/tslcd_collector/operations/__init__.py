"""What operators enter on the page: acknowledgements, comments, maintenance windows, and the trail of who did what."""

from tslcd_collector.operations.file import OperationsFile
from tslcd_collector.operations.rows import Acknowledgement, Actor, Comment, Entry, PlannedWork
from tslcd_collector.operations.service import Operations

__all__ = ["Acknowledgement", "Actor", "Comment", "Entry", "Operations", "OperationsFile", "PlannedWork"]

"""The ledger: what was known of every channel, from when to when, and what was learnt of it afterwards."""

from tslcd_collector.ledger.book import Ledger
from tslcd_collector.ledger.file import LedgerFile
from tslcd_collector.ledger.rows import KEEP, History, Interval, Revision

__all__ = ["KEEP", "History", "Interval", "Ledger", "LedgerFile", "Revision"]

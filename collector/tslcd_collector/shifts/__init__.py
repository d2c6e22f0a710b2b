"""The calendar of working days and shifts, and the Alertmanager configuration that follows from it and from the inventory.

Holidays change who is paged, never whether a fault counts: nothing in the collector's judgement imports this.
"""

"""Agent at the edge: polls routers and firewalls, measures paths, keeps every report until the collector has it."""

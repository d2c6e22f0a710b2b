"""Collector at the centre: takes reports in, judges every channel, exposes it to Prometheus and to people."""

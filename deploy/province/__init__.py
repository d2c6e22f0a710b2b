"""A synthetic province on one machine: what ``deploy/demo`` runs. Real broker, real devices, real programs, loopback only."""

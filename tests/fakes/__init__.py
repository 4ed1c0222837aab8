"""Stand-ins for what cannot be run here, stricter than the real thing and with a ledger that outlives a crash."""

"""Use cases and the ports they need; no database, no network, no clock of their own."""

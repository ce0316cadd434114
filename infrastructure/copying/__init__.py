"""Copies of a ledger that no database wrote: whole, as backups, or one account's, to be taken into another ledger."""

"""The work of an operator: accounts, the audit, rebuilt tables, reconciliation, upkeep."""

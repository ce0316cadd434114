"""What an operator keeps: accounts, the audit, rebuilt tables, reconciliation, upkeep."""

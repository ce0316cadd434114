"""Customers told of what happens: from the log, by messages to webhooks, until each is taken or given up."""

"""Customers told of what happens: alerts, and messages to webhooks, from the log, until each is taken or given up."""

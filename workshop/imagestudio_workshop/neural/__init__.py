"""Networks that run on this machine's processor: a route each, and what each needs to be installed."""

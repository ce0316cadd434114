"""Webhooks as they meet the world: where they may be, what they are sent, and with which keys it is signed."""

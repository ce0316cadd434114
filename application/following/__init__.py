"""Committed facts, followed: one feed a process, whichever process wrote them and however many follow."""

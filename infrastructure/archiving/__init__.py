"""Closed periods out of the log and into segments: chosen, written and verified, then taken out."""

"""Read models: everything here can be thrown away and rebuilt from the log.

views (what) ── tally (folding, in memory) ── engine (checkpoints and rows) ── projector (live) | rebuild | audit
                                                                            └─ queries
"""

"""Read models: everything here can be thrown away and rebuilt from the log.

views (what) ── engine: folding, in memory ── checkpoints and rows ── projector (live) | rebuild | replay
             └─ queries: rows by a filter, a page at a time
"""

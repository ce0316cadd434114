"""Read models: everything here can be thrown away and rebuilt from the log.

views (what) ── engine: tally (folding, in memory) ── checkpoints and rows ── projector (live) | rebuild | replay
             └─ queries
"""

"""Files beside the log: kept under their digests in one place, a folder or a bucket, that belongs to one ledger.

naming ─ place (the port) ─┬─ folder ── saving, in groups, flushed
                           └─ bucket ── s3, an S3-compatible store
shelf (content-addressing, digests, sweep) · belonging (whose they are) · moving (to another place)
"""

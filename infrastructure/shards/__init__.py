"""Several ledgers as one studio: each is a schema of its own, a shard, and every account is in one of them."""

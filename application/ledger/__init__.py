"""One decision, one durable append: the writer and what it needs from a database."""

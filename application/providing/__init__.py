"""A provider's side of the table: tasks, answers, quotes, offers, and whose mistakes are whose."""

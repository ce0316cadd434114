"""Reports of a billing period for whoever pays: what was made, for whom, by which models, and what it came to."""

"""The asset library: what an account made and brought, what it came from, and what it cost."""

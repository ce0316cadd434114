"""Services that people use: each builds requests for the one entry, from a brief and what is preset."""

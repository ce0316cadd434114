"""The revisions, oldest first; what one of them says is never edited once it was released."""

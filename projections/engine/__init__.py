"""The engine that moves any view: folding, checkpoints and rows; kept up live, built anew, or held against the log."""

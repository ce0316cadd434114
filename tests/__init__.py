"""What the house promises, as sentences about facts."""

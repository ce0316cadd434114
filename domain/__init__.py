"""The rules of the business: pure, exact, standard library only."""

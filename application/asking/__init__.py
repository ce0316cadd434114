"""The side that a caller meets: requests, estimates, results, and the studio that takes them."""

"""How long tests wait for what has to happen. None asserts how long anything takes: a slow machine is not a failure."""

SECONDS = 120.0
"""After which what never happens is given up; less than the limit of a test, so that the test itself says what."""

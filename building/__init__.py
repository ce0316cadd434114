"""Builds the distribution: the rooms keep their own names in the tree, and lie under `imagestudio` in a wheel."""

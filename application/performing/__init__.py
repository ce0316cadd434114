"""An admitted operation carried through to its end, by whoever began it or by whoever comes after."""

"""An admitted operation carried through to its end, by the process that began it or by a later one."""

"""The viewer: a page on this machine to leaf through a version, compare two, and mark rows."""

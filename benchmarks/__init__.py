"""Comparisons with peers: each row is a ratio of two figures, measured in turn, and the bar that it must not exceed."""

"""Runs a plan: in the order of its graph, many steps at a time, each through a performer that makes its calls."""

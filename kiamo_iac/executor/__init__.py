"""Applies a plan: order, preconditions, writes and post-conditions of its steps."""

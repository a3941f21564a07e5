"""Graphs of a plan and of what is declared: a model, a layout of our own, and a writer for each format."""

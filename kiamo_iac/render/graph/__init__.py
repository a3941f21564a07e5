"""Graphs of a plan and of what is declared: a model, a layout, and a writer for each format."""

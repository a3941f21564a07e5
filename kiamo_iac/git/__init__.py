"""Finds the repository and runs git, so that no file of the project can redirect either."""

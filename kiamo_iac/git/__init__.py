"""The one place that finds the repository and starts git, so that no file of the project can redirect either."""

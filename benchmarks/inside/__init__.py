"""What is measured inside a process of its own: each module is run with `python -m` and prints its figures as JSON."""

"""An instance held against a contract by reading it: what each call shows, and what that says of each assumption."""

"""What we own, per environment: read, locked, and written after every successful step."""

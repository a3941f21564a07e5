"""The ledger: what is managed in each environment; locked during a run, and written after every step."""

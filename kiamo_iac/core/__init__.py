"""What every room speaks of: addresses, state, the model of a kind, settings, diagnostics, errors, secrets.

It imports no other room.
"""

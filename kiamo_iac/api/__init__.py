"""The instance's side: the contract (routes and wire names as data), the client and the reader.

The only room that imports httpx (and httpcore, which it stands on).
"""

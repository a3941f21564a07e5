"""A vendor's collection of requests: read, matched with the operations of the contract, and written as an override."""

"""Manners of APIs: a server that can have each of them, a contract for each, and one story that all go through."""

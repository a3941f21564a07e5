"""Completion in real shells. bash is driven by `make test`; zsh, fish and keys at a terminal by `make shells`."""

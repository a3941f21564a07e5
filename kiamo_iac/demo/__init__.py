"""`kiamo-iac demo`: a local Kiamo emulator, a project, and the real commands run against them."""

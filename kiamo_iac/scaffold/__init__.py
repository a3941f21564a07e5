"""The files that `kiamo-iac init` writes: a project, hooks and pipelines."""

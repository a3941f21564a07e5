"""What `kiamo-iac init` writes: a new project, and the pipelines of the forge that it lies on."""

"""Changes to files that people wrote: export and promote."""

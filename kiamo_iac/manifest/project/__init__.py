"""The project file, kiamo.yaml: what it may say, how it is read, and the schema that says the same."""

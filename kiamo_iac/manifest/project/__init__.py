"""The project file, kiamo.yaml: its model, its reader and its JSON Schema."""

"""One instance, read and written: client, reader, and the translation between attributes and wire names."""

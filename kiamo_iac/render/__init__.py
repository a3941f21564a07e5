"""What people and CI read: one protocol, one file a format; every word of data goes through `escape` first."""

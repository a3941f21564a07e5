"""The one way to call an HTTP server: deadline, size limits, retries with back-off, trust, proxies and secrets."""

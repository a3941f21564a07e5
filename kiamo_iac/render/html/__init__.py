"""A plan or a drift as one HTML file that only needs a browser."""

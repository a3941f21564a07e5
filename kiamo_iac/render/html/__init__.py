"""A plan or a drift as one HTML file that needs nothing but a browser."""

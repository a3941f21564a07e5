"""What is published: sdist, wheel and metadata."""

"""What the documentation shows is what happens: links and command lines by `make test`, whole pages by `make docs`."""

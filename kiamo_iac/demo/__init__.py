"""The whole story in one command: a Kiamo in a box, a project, and the real commands run one after the other."""

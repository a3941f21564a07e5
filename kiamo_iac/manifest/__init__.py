"""The project file, the environments, and the manifests as desired state; all problems of all files at once."""

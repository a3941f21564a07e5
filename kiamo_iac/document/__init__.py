"""Hardened reading of one YAML document into plain data with the place of every key.

The only room that imports ruamel.yaml for reading: manifests, the project file and contracts all come through here.
"""

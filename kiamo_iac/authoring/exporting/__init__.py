"""From a live state to manifests: which blocks, which values, in which file; without a file or a call.

live ──► representation ─► new blocks ────────┐
           │                                  ├─► edits, file by file ─► texts (the app writes them)
parts ──► matching ─► updates of blocks ──────┘
"""

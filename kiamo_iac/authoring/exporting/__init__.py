"""From a live state to manifests: which blocks, which values, in which file; without a file or a call.

live ─► Sayings ──► new blocks ───┐
         │                        ├─► edits, file by file ─► texts
parts ─► Levelling ─► changes ────┘        (the workspace writes them)
"""

"""What one environment declares and another lacks, and the edits that bring it there; nothing is written, no call made.

environments ─► comparing ─► differences ─► strategies ─► edited files ─► proof ─► Promotion
                                             └─ on an overlay: files as data, and what each environment makes of them
"""

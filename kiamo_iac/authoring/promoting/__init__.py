"""What one environment declares and another lacks, and the edits that bring it there; nothing is written, no call made.

environments ─► Views ─► differences ─► Moves ─► edited texts ─► proof ─► Promotion
                                          └─ on a Bench: the files as data, and what each environment makes of them
"""

"""The application: one function for each operation of a command.

    project file ─► contract ─► manifests ─► desired ─┐
                        ├────► client ─────► live ────┼─► plan ─► guards ─► run ─► report
                        └────► ledger ─────► owned ───┘                      └──► ledger

Nothing is imported here: a command imports the one file that it needs.
"""

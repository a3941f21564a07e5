"""An emulator on a free port of this machine, until it is told to end: prints its URL. `serve LATENCY_MS`."""

from __future__ import annotations

import sys

from kiamo_iac.api.contract_file import load_contract
from kiamo_iac.emulator import Emulator
from kiamo_iac.emulator.server import serve

if __name__ == "__main__":
    with Emulator(load_contract(), latency=float(sys.argv[1]) / 1000) as emulator:
        serve(emulator, host="127.0.0.1", port=0, ready=lambda url: print(url, flush=True))

"""`python -m kiamo_iac`: the same program as `kiamo-iac`."""

from kiamo_iac.cli.main import main

if __name__ == "__main__":
    main()

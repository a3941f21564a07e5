"""The contract as data: routes and wire names, their checks and schema. It makes no call."""

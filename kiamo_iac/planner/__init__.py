"""Desired state × live state → plan. Pure: the same inputs give the same plan, byte for byte."""

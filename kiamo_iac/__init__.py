"""Configuration as code for the Kiamo contact-centre platform."""

__version__ = "0.1.0"

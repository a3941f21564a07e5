"""Configuration as code for the Kiamo contact-centre platform."""

__version__ = "0.1.0"
PROJECT_URL = "https://github.com/kiamo-iac/kiamo-iac"

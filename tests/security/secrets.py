"""Secrets for tests: concatenated, so that no scanner takes this file for a leak."""

from __future__ import annotations

from typing import Final

FORMS: Final = {
    "GitHub": "ghp_" + "aB3" * 12,
    "GitHub, fine-grained": "github_pat_" + "1A" * 15,
    "GitLab": "glpat-" + "x7Y" * 7,
    "AWS": "AKIA" + "QWERTY12" * 2,
    "private key": "-----BEGIN RSA PRIVATE KEY-----\\nMIIEow+/=\\n-----END RSA PRIVATE KEY-----",
    "Slack": "xoxb-" + "123456-" * 3 + "abc",
    "Google": "AIza" + "Sy_-7" * 7,
    "Google OAuth": "ya29." + "a0B" * 9,
    "Stripe": "sk_live_" + "9zQ" * 8,
    "JWT": "eyJhbGciOiJI" + ".eyJzdWIiOiIx." + "SflKxwRJSMeKKF2",
    "SendGrid": "SG." + "k2" * 11 + "." + "m4" * 21,
    "Azure": "AccountKey=" + "Zm9v" * 21 + "YQ==",
    "npm": "npm_" + "b5" * 18,
    "PyPI": "pypi-" + "AgEIcHlwaS5vcmc" + "c6" * 10,
    "URL": "smtp://mailer:Kanari42" + "@mail.example.com",
    "Bearer": "Bearer " + "abcdef0123456789",
    "Basic": "Basic " + "dXNlcjpLYW5hcmk0Mg==",
}
"""Service → a value of its form, as in double quotes of YAML."""

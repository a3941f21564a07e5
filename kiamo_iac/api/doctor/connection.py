"""What all calls of a visit show together: address, TLS, token, rights, prefix, latency and clock."""

from __future__ import annotations

import statistics
from typing import Final

from kiamo_iac.api.doctor.examination import CheckOutcome
from kiamo_iac.api.doctor.visit import InstanceVisit

_SKEW: Final = 5
"""Seconds that the clocks may differ."""


def judge_calls(visit: InstanceVisit, *, url: str, is_https: bool) -> None:
    """The checks of url, TLS, token, prefix, rights, latency and clock, before all others."""
    later, visit.findings.checks = visit.findings.checks, []
    _check_url(visit, url, is_https=is_https)
    _check_token(visit)
    _judge_prefix(visit)
    visit.findings.checks += later
    if visit.seconds:
        middle, longest = statistics.median(visit.seconds), max(visit.seconds)
        text = f"median {middle * 1000:.0f} ms, longest {longest * 1000:.0f} ms, {visit.calls} responses"
        visit.findings.check("latency", CheckOutcome.OK, text)
    else:
        visit.findings.check("latency", CheckOutcome.SKIPPED, "no response came")
    _check_clock(visit)


def _check_url(visit: InstanceVisit, url: str, *, is_https: bool) -> None:
    failure = visit.failure
    if visit.calls:
        visit.findings.check("url", CheckOutcome.OK, f"{url} answers")
        text = "the certificate is trusted" if is_https else "none: http to this machine"
        visit.findings.check("tls", CheckOutcome.OK, text)
        return
    text, hint = (str(failure).rstrip("."), failure.hint) if failure is not None else ("no call was made", None)
    if failure is not None and hint is None:
        hint = "check the address, http or https, and the firewalls and proxies on the way to it"
    untrusted = "certificate" in text
    visit.findings.check("url", CheckOutcome.OK if untrusted else CheckOutcome.FAILED, url if untrusted else text, hint)
    if untrusted:
        visit.findings.check("tls", CheckOutcome.FAILED, text, hint)
    else:
        visit.findings.check("tls", CheckOutcome.SKIPPED, "no response came")


def _check_token(visit: InstanceVisit) -> None:
    header = visit.contract.entry("auth", "header")
    answered = [status for each in visit.statuses.values() for status in each if status is not None]
    allowed = [each.kind.collection for each in visit.seen.values() if each.lists]
    refused = [visit.seen[kind].kind.collection for kind, each in visit.statuses.items() if {401, 403} & {*each}]
    if allowed:
        visit.findings.confirm("auth", "lists are answered")
        visit.findings.check("token", CheckOutcome.OK, "recognised")
    elif 401 in answered:
        hint = f"check that the token is valid and active; if it is, check {header}"
        visit.findings.leave("auth", "every list is refused with 401: the token, or the header that carries it")
        visit.findings.check("token", CheckOutcome.FAILED, "every list is refused with 401", hint)
    elif 403 in answered:
        visit.findings.confirm("auth", "lists are refused with 403, not with 401")
        hint = "give the token the right to GET, for the API Contact Manager and for services"
        visit.findings.check("token", CheckOutcome.FAILED, "recognised, and every list is refused with 403", hint)
    else:
        visit.findings.leave("auth", "no list was answered")
        visit.findings.check("token", CheckOutcome.SKIPPED, "no list was answered")
    if allowed or refused:
        text = f"lists of {', '.join(allowed) or 'nothing'}"
        text += f"; not allowed: {', '.join(refused)}" if refused else ""
        visit.findings.check("rights", CheckOutcome.NOTE if refused else CheckOutcome.OK, text)
    else:
        visit.findings.check("rights", CheckOutcome.SKIPPED, "no list was answered")


def _judge_prefix(visit: InstanceVisit) -> None:
    """A list that is answered shows that the prefix is right. Without any, 404 and answers of other servers are
    evidence against it, and not against each path."""
    statuses = {status for each in visit.statuses.values() for status in each}
    if any(status is not None and status < 300 for status in statuses):
        visit.findings.confirm("prefix", "lists below it are answered")
        for kind, each in visit.statuses.items():
            if {*each} == {404}:
                why = "it is answered with 404, and others below the same prefix are not"
                visit.findings.contradict(f"kinds.{kind}.operations.list", why)
    elif None in statuses and visit.calls:
        visit.findings.contradict("prefix", "what answers below it is not an API that speaks JSON")
    elif statuses == {404}:
        visit.findings.contradict("prefix", "every list is answered with 404: the prefix is another, or each path is")
    else:
        visit.findings.leave("prefix", "no list was answered")


def _check_clock(visit: InstanceVisit) -> None:
    if visit.skew is None:
        visit.findings.check("clock", CheckOutcome.SKIPPED, "no response has a header Date")
    elif abs(visit.skew) <= _SKEW:
        visit.findings.check("clock", CheckOutcome.OK, f"within {_SKEW} s of this machine's")
    else:
        way = "ahead of" if visit.skew > 0 else "behind"
        text = f"the instance's is {abs(visit.skew):,.0f} s {way} this machine's"
        hint = "set both by NTP: change windows and Retry-After are by this machine's clock"
        visit.findings.check("clock", CheckOutcome.NOTE, text, hint)

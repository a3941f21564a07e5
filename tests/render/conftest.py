"""The hand-made plans as a fixture."""

from __future__ import annotations

import pytest

from kiamo_iac.planner.plan import Plan
from tests.render.plans import PLANS


@pytest.fixture(params=sorted(PLANS))
def named_plan(request: pytest.FixtureRequest) -> tuple[str, Plan]:
    """Each of the plans in turn, with its name."""
    return request.param, PLANS[request.param]()

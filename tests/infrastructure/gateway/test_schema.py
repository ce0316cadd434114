"""Requests made from the OpenAPI document, right and wrong: none breaks anything, and each answer is as it says."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.infrastructure.gateway.gateways import Gateway

FEW = 5
"""Requests of a route and a mode."""
NO_HTTP = b"Invalid HTTP request received."
"""The server's own answer to a header that says of the transfer what HTTP does not have; no route hears of it."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_nothing_breaks_and_every_answer_is_as_the_document_says(gateway: Gateway) -> None:
    schema = schemathesis.openapi.from_url(f"{gateway.url}/openapi.json")
    headers = {"authorization": f"Bearer {gateway.administrator()}", "x-imagestudio-account": "acme"}
    found: Any = schema.get_all_operations()
    routes = [one.ok() for one in found]
    wrong = 0
    for route in routes:
        _try(route, GenerationMode.POSITIVE, headers)
        with suppress(Unsatisfiable):  # where every text is right there is nothing wrong to send
            _try(route, GenerationMode.NEGATIVE, headers)
            wrong += 1
    assert len(routes) > 30
    assert wrong > 15


def _try(route: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
    @given(route.as_strategy(generation_mode=mode))
    @settings(max_examples=FEW, suppress_health_check=list(HealthCheck), deadline=None, database=None)
    def one(case: Any) -> None:
        answer = case.call(headers=headers)
        if answer.content != NO_HTTP:
            case.validate_response(answer, checks=CHECKS)

    one()

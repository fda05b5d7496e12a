"""Bodies that are sent and read, by hand; the exchange itself is tested against real servers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from asd.rewrite.endpoints import waiting_requests
from asd.rewrite.faults import Fault, Refused
from asd.rewrite.openai_client import Dialect, Reply, parse_reply, request_body, retry_after_s
from asd.rewrite.request import Sampling
from tests.asd.rewrite.transport_cases import SCHEMA, an_image, request_about


def body(dialect: Dialect, **changes: Any) -> dict[str, Any]:
    sent = json.loads(request_body(request_about("red", **changes), dialect))
    assert isinstance(sent, dict)
    return sent


def test_body_of_a_plain_request() -> None:
    sent = body(Dialect("m"))
    assert sent["model"] == "m" and [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert (sent["temperature"], sent["top_p"], sent["max_tokens"], sent["seed"]) == (0.0, 1.0, 64, 0)
    assert sent["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "yes_no", "schema": SCHEMA, "strict": True},
    }


def test_body_in_other_dialects() -> None:
    sent = body(
        Dialect("m", structured=False, limit_name="max_completion_tokens"), sampling=Sampling(seed=None), system=""
    )
    assert "response_format" not in sent and "max_tokens" not in sent and "seed" not in sent
    assert sent["max_completion_tokens"] == 512 and len(sent["messages"]) == 1
    assert body(Dialect("m", strict=False))["response_format"]["json_schema"]["strict"] is False


def test_images_come_before_the_text() -> None:
    (_, message) = body(Dialect("m"), images=(an_image(), an_image()))["messages"]
    assert [part["type"] for part in message["content"]] == ["image_url", "image_url", "text"]


def answer(**changes: Any) -> bytes:
    choice = {"message": {"content": "hi"}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 1}} | changes).encode()


def test_reply_with_and_without_usage() -> None:
    assert parse_reply(answer(), 400) == Reply("hi", "stop", 3, 1)
    assert parse_reply(answer(usage=None), 400) == Reply("hi", "stop", 100, 1, counted=False)
    assert parse_reply(answer(usage={"prompt_tokens": -1, "completion_tokens": True}), 400).counted is False


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>", "not_json"),
        (b'{"choices": [{"mess', "not_json"),
        (b"[]", "not_completion"),
        (b'{"error": "x"}', "not_completion"),
        (answer(choices=[]), "no_choices"),
        (answer(choices=["x"]), "not_completion"),
        (answer(choices=[{"message": None}]), "not_completion"),
        (answer(choices=[{"message": {"content": None}}]), "no_text"),
    ],
)
def test_what_is_no_reply(content: bytes, reason: str) -> None:
    with pytest.raises(Fault) as caught:
        parse_reply(content, 100)
    assert caught.value.reason == reason


def test_filtered_replies_are_refusals() -> None:
    filtered = {"message": {"content": "h"}, "finish_reason": "content_filter"}
    with pytest.raises(Refused, match="content_filter"):
        parse_reply(answer(choices=[filtered]), 100)
    with pytest.raises(Refused, match="model_refused: I will not"):
        parse_reply(answer(choices=[{"message": {"content": None, "refusal": "I will not"}}]), 100)


def test_retry_after_as_number_date_or_nonsense() -> None:
    assert retry_after_s({}) is None and retry_after_s({"retry-after": "soon"}) is None
    assert retry_after_s({"retry-after": "nan"}) is None
    assert retry_after_s({"retry-after": "2.5"}) == 2.5 and retry_after_s({"retry-after": "-4"}) == 0.0
    assert retry_after_s({"retry-after": "999999"}) == 999999.0
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    seconds = retry_after_s({"retry-after": at})
    assert seconds is not None and 25 < seconds <= 30


def test_queue_of_vllm_is_read_from_its_metrics() -> None:
    metrics = """# HELP vllm:num_requests_waiting Number of requests waiting
vllm:num_requests_running{engine="0"} 8.0
vllm:num_requests_waiting{engine="0",model_name="m"} 3.0
vllm:num_requests_waiting{engine="1",model_name="m"} 4.0
"""
    assert waiting_requests(metrics) == 7 and waiting_requests("") == 0

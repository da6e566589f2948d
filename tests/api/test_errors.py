"""Errors in one form, whatever went wrong, on a small app."""

import logging

import pytest
from fastapi import FastAPI, HTTPException, Query, WebSocket
from pydantic import BaseModel, Field
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from toolkit.api import errors


class Body(BaseModel):
    period: int = Field(ge=1, le=1000)
    share: float = 0.5


@pytest.fixture
def client():
    app = FastAPI()

    @app.get("/number")
    async def number(limit: int = Query(ge=1, le=5), ratio: float = Query(0.5, allow_inf_nan=False)):
        return limit

    @app.post("/body")
    async def body(body: Body):
        return body

    @app.get("/broken")
    async def broken():
        raise ZeroDivisionError("a secret of the inside")

    @app.get("/refused")
    async def refused():
        raise HTTPException(409, {"a": float("nan")}, headers={"X-Reason": "mine"})

    @app.websocket("/broken")
    async def broken_socket(socket: WebSocket):
        await socket.accept()
        await socket.receive_text()
        raise ZeroDivisionError("a secret of the inside")

    errors.install(app)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limit=6", "limit: Input should be less than or equal to 5, not '6'"),
        (
            "limit=inf",
            "limit: Input should be a valid integer, unable to parse string as an integer, not 'inf'",
        ),
        ("", "limit: Field required"),
        ("limit=1&ratio=inf", "ratio: Input should be a finite number, not 'inf'"),
        ("limit=1&ratio=nan", "ratio: Input should be a finite number, not 'nan'"),
    ],
)
def test_a_query_that_is_not_valid(client, query, detail):
    answer = client.get(f"/number?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(detail)


def test_several_faults_are_all_named_and_what_was_given_is_cut(client):
    detail = client.get(f"/number?limit={'9' * 300}&ratio=x").json()["detail"]
    assert detail.startswith("limit: ")
    assert "; ratio: " in detail
    assert len(detail) < 500


@pytest.mark.parametrize(
    ("content", "status", "detail"),
    [
        (b'{"period": NaN}', 422, "period: "),
        (b'{"period": 1, "share": "x"}', 422, "share: "),
        (b'{"period": Infinity}', 422, "period: "),
        (b'{"period": 1e999}', 422, "period: "),
        (b'{"period"', 422, "body: not JSON ("),
        (b'{"a": "\xff"}', 400, "body: not UTF-8"),
        (b"[" * 50_000, 400, "body: nested too deep"),
        (b'{"period": ' + b"1" * 5000 + b"}", 400, "body: "),
        (b"[1]", 422, "body: "),
    ],
)
def test_a_body_that_is_not_valid_is_never_an_error_of_ours(client, content, status, detail):
    answer = client.post("/body", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)
    assert len(answer.json()["detail"]) < 600


def test_what_is_not_there(client):
    answer = client.get("/nothing?x=1")
    assert (answer.status_code, answer.json()["detail"][:26]) == (404, "there is no '/nothing' her")
    assert client.delete("/number").json() == {"detail": "DELETE is not allowed here; GET is"}


def test_a_detail_of_any_kind_is_told_as_text_with_its_headers(client):
    answer = client.get("/refused")
    assert (answer.status_code, answer.json()) == (409, {"detail": '{"a": "nan"}'})
    assert answer.headers["x-reason"] == "mine"


def test_an_unexpected_error_is_logged_and_not_told(client, caplog):
    answer = client.get("/broken")
    assert (answer.status_code, answer.json()) == (500, {"detail": errors.UNEXPECTED})
    assert "ZeroDivisionError" in caplog.text


def test_a_socket_whose_handler_fails_is_closed_with_a_reason(client, caplog):
    with caplog.at_level(logging.ERROR), client.websocket_connect("/broken") as socket:
        socket.send_text("go")
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert (closed.value.code, closed.value.reason) == (1011, errors.UNEXPECTED)
    assert "a secret of the inside" in caplog.text  # in the log, with its traceback


def test_the_document_tells_the_form(client):
    document = client.get("/openapi.json").json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for methods in document["paths"].values():
        for operation in methods.values():
            content = operation["responses"]["4XX"]["content"]["application/json"]
            assert content == {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}

"""The OpenAPI document."""

from typing import Literal

from toolkit import IndicatorRegistry
from toolkit.api.schema import configure_schema, parameter_schema
from toolkit.indicators import Parameter


def test_every_indicators_parameters_and_bounds_are_in_the_document(client):
    document = client.get("/openapi.json").json()
    body = document["paths"]["/api/indicators/configure"]["post"]["requestBody"]
    reference = body["content"]["application/json"]["schema"]["$ref"]
    properties = document["components"]["schemas"][reference.rsplit("/", 1)[1]]["properties"]
    assert list(properties) == IndicatorRegistry.names()
    for name, schema in properties.items():
        parameters = IndicatorRegistry.get_class(name).parameters()
        found = schema["properties"]["params"]["properties"]
        assert list(found) == list(parameters)
        for key, parameter in parameters.items():
            if parameter.kind == "choice":
                assert found[key]["enum"] == list(parameter.choices)
            else:
                assert (found[key]["minimum"], found[key]["maximum"]) == (
                    parameter.minimum,
                    parameter.maximum,
                )
                assert found[key]["type"] == parameter.kind
            assert found[key]["default"] == parameter.default


def test_a_choice_is_an_enumeration():
    parameter = Parameter("mean", "choice", "slow", choices=("slow", "fast"))
    assert parameter_schema(parameter) == {"type": "string", "enum": ["slow", "fast"], "default": "slow"}


def test_pairs_that_must_rise_are_told():
    assert (
        "fast_period must be less than slow_period" in configure_schema()["properties"]["MACD"]["description"]
    )


def test_every_answer_has_a_type(client):
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {
        *("/", "/api/health", "/api/symbols", "/api/timeframes", "/api/indicators", "/api/klines"),
        *("/api/signals", "/api/indicators/configure"),
    }
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            content = described["responses"]["200"]["content"]["application/json"]["schema"]
            assert "$ref" in content or "anyOf" in content, (method, path)
            assert described["summary"]
            assert len(described["tags"]) == 1  # each stands once on the documentation's page
            assert described["description"]
    parameters = {p["name"]: p for p in document["paths"]["/api/klines"]["get"]["parameters"]}
    limit = parameters["limit"]["schema"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 5000, 500)
    assert "application/vnd.apache.arrow.stream" in str(document["paths"]["/api/klines"])


def test_an_indicator_that_is_registered_later_is_in_the_document(client):
    from toolkit.indicators import MACD

    assert "Momentary" not in client.get("/openapi.json").text

    class Momentary(MACD):
        name = "Momentary"
        mode: Literal["a", "b"] = "a"

    IndicatorRegistry.register(Momentary)
    try:
        properties = client.get("/openapi.json").json()["components"]["schemas"]["ConfigureRequest"][
            "properties"
        ]
        assert properties["Momentary"]["properties"]["params"]["properties"]["mode"]["enum"] == ["a", "b"]
        assert "Momentary" in client.get("/api/indicators").json()["indicators"]
    finally:
        IndicatorRegistry._classes.pop("momentary")

"""The JSON Schema that editors use: it says yes to what loads, and knows every key and default."""

from pathlib import Path
from typing import Any

import jsonschema
import yaml

from bridge.config.schema import config_schema
from bridge.config.settings import Settings

EXAMPLE = Path(__file__).parents[2] / "schemas" / "bridge.example.yaml"


def test_the_schema_is_one_and_takes_the_example() -> None:
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    data = yaml.safe_load(EXAMPLE.read_text())
    status = data["providers"]["genesys"]["smpp"]["status"]
    data["providers"]["genesys"]["smpp"]["status"] = {hex(key): word for key, word in status.items()}
    jsonschema.validate(data, schema)


def test_the_schema_takes_the_example_of_any_http_api() -> None:
    data = yaml.safe_load((EXAMPLE.parent / "generic-http.example.yaml").read_text())
    answer = data["providers"]["twilio"]["http"]["answer"]
    answer["results"] = {
        str(code): word for code, word in answer["results"].items()
    }  # JSON has no other keys
    jsonschema.validate(data, config_schema())


def test_every_key_says_what_it_is_for_and_what_it_is_by_default() -> None:
    sections = {name: schema for name, schema in config_schema()["$defs"].items() if name != "Reference"}
    for name, section in sections.items():
        required = section.get("required", [])
        for key, schema in section["properties"].items():
            assert schema.get("description"), f"{name}.{key} has no description"
            assert key in required or "default" in schema, f"{name}.{key} has no default"


def test_names_that_do_not_fit_are_refused() -> None:
    validator = jsonschema.Draft202012Validator(config_schema())
    assert not validator.is_valid({"providers": {"a b": {"sites": {"x": {}}}}})
    assert not validator.is_valid({})


def test_no_secret_has_a_default_worth_hiding() -> None:
    def walk(node: Any) -> list[Any]:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        return [node, *(leaf for item in inner for leaf in walk(item))]

    assert not [leaf for leaf in walk(config_schema()) if isinstance(leaf, str) and "***" in leaf]


def test_the_schema_has_every_field_of_the_models() -> None:
    assert set(config_schema()["properties"]) == set(Settings.model_fields)

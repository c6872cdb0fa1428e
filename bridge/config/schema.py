"""The JSON Schema of the configuration file, for editors: generated from the models, with all defaults."""

from typing import Any

from bridge.config.settings import Settings


def config_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of bridge.yaml."""
    generated: dict[str, Any] = _tidy(Settings.model_json_schema())
    generated.pop("description")
    generated["$defs"]["Reference"] = REFERENCE
    for section in generated["properties"].values():
        section.pop("default", None)  # the keys of the section tell theirs
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "bridge-config.v1.json",
        "title": "Configuration of the bridge",
        "description": "One YAML file. ${NAME} and ${file:/path} may stand anywhere in a value.",
        **generated,
    }


REFERENCE: dict[str, Any] = {
    "type": "string",
    "pattern": r"\$\{[^}]+\}",
    "description": "${NAME} or ${file:/path}",
}


def _tidy(node: Any) -> Any:
    """Fit for an editor: no titles made of names, no names that do not fit, and references wherever values are."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy = {key: _tidy(item) for key, item in node.items() if not (key == "title" and isinstance(item, str))}
    if "patternProperties" in tidy:
        return {**tidy, "additionalProperties": False}
    return _or_reference(tidy)


def _or_reference(node: dict[str, Any]) -> dict[str, Any]:
    if node.get("type") not in ("string", "integer", "number", "boolean") and "enum" not in node:
        return node
    said: dict[str, Any] = {key: node[key] for key in ("description", "default") if key in node}
    value = {key: item for key, item in node.items() if key not in said}
    if value == {"type": "string"}:
        return node
    return {**said, "anyOf": [value, {"$ref": "#/$defs/Reference"}]}

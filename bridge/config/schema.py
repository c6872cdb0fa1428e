"""The JSON Schema of the configuration file, for editors: generated from the models, with all defaults."""

from typing import Any

from bridge.config.settings import Settings


def config_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of bridge.yaml."""
    generated: dict[str, Any] = _untitled(Settings.model_json_schema())
    generated.pop("description")
    for section in generated["properties"].values():
        section.pop("default", None)  # the keys of the section tell theirs
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "bridge-config.v1.json",
        "title": "Configuration of the bridge",
        "description": "One YAML file. ${NAME} and ${file:/path} may stand anywhere in a value.",
        **generated,
    }


def _untitled(node: Any) -> Any:
    """Without the titles pydantic makes of the names: they say nothing the names do not."""
    if isinstance(node, dict):
        return {
            key: _untitled(item)
            for key, item in node.items()
            if not (key == "title" and isinstance(item, str))
        }
    return [_untitled(item) for item in node] if isinstance(node, list) else node

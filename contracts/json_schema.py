"""JSON Schema (2020-12) of the data of one kind, as a reader validates it: unknown fields are allowed, sealed ones say ``x-sealed``
and, as ``x-clear``, the form of the value inside."""

from typing import Any

from pydantic.json_schema import DEFAULT_REF_TEMPLATE, GenerateJsonSchema

from contracts.message import CommandData, Message

JsonObject = dict[str, Any]


class _WithoutFieldTitles(GenerateJsonSchema):
    """Titles made up from field names tell nothing that the name doesn't."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def message_schema(model: type[Message], kind: str, references: str = DEFAULT_REF_TEMPLATE) -> JsonObject:
    """``references``: where ``$defs`` will lie, with ``{model}`` for the name."""
    schema = model.model_json_schema(by_alias=True, ref_template=references, schema_generator=_WithoutFieldTitles, mode="validation")
    return {**schema, "title": kind}


def document(model: type[Message], kind: str) -> JsonObject:
    """One file's worth."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:mindlinks:{kind}", **message_schema(model, kind)}


def key_schema(model: type[Message]) -> JsonObject:
    """Of the record's key. An event has the key of the command it came from."""
    if not issubclass(model, CommandData):
        return {"type": "string", "minLength": 1, "description": "The aggregate's id, as in the command that this came from."}
    field = model.model_fields.get(model.key_field)
    if field is None or field.alias is None:
        return {"type": "string", "minLength": 1, "description": "The aggregate's id, made from the data."}
    schema = message_schema(model, model.kind())["properties"][field.alias]
    return {**schema, "description": f"Equal to {field.alias}."}

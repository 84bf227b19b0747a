"""The AsyncAPI 3.0.0 document: a channel per topic, a message per kind, operations by who sends and who receives. Pure."""

import inspect
from collections.abc import Iterable, Mapping, Sequence

from contracts.catalogue import BUILT, kinds
from contracts.envelope import CONTENT_TYPE, SPEC_VERSION
from contracts.json_schema import JsonObject, key_schema, message_schema
from contracts.message import CommandData, Message
from contracts.topics import TOPICS, Topic, commands_topic, events_topic
from contracts.types import TIMESTAMP_PATTERN

KAFKA_BINDING = "0.5.0"
COMMAND_HEADERS, EVENT_HEADERS = "CommandHeaders", "EventHeaders"

_HEADERS: JsonObject = {
    "ce_specversion": {"type": "string", "const": SPEC_VERSION},
    "ce_id": {"type": "string", "description": "Of this message; the same message published again keeps it."},
    "ce_type": {"type": "string", "description": "The kind: mindlinks.<service>.<Name>.v<N>."},
    "ce_source": {"type": "string", "description": "/mindlinks/<service>/<role>."},
    "ce_subject": {"type": "string", "description": "The record's key."},
    "ce_time": {"type": "string", "pattern": TIMESTAMP_PATTERN},
    "ce_correlationid": {"type": "string", "description": "Shared by everything one request set in motion."},
    "ce_causationid": {"type": "string", "description": "The message that this one answers."},
    "ce_actor": {"type": "string", "description": "<role>:<userId>, public, or system:<sender>."},
    "content-type": {"type": "string", "const": CONTENT_TYPE},
    "traceparent": {"type": "string", "description": "W3C Trace Context."},
    "ce_receipt": {"type": "string", "const": "1", "description": "Present when the outcome is to be kept for the asking client."},
    "ce_client": {"type": "string", "description": "Who asked for the receipt."},
    "ce_bodyhash": {"type": "string", "description": "Of what they asked."},
    "ce_replay": {"type": "string", "description": "The replay that published this, or caused it at any distance."},
    "ce_replayeffects": {"type": "string", "description": "Whom whatever it causes may call: none, all, or providers' names."},
    "ce_replayof": {"type": "string", "description": "The record that is repeated: <topic id>/<partition>/<offset>."},
    "ce_replayat": {"type": "string", "pattern": TIMESTAMP_PATTERN, "description": "Only on a copy: when its original was appended."},
    "ce_replayto": {"type": "string", "description": "The one consumer group the record is for."},
}
_EVENT_ONLY: JsonObject = {
    "ce_sequence": {"type": "string", "pattern": r"^\d{10}\.\d{4}$", "description": "The root's version and the index; none on refusals."},
    "ce_position": {"type": "string", "description": "<topic id>/<partition>/<offset> of the command."},
    "ce_settled": {"type": "string", "pattern": r"^\d+$", "description": "The publisher's committed offset of that partition."},
    "ce_late": {"type": "string", "const": "1", "description": "Present when the command had been parked."},
}
_REQUIRED = ["ce_specversion", "ce_id", "ce_source", "ce_type"]


def document(examples: Mapping[str, JsonObject]) -> JsonObject:
    """``examples``: by kind, as they lie in ``contracts/examples``."""
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": {name: operation for service in BUILT for name, operation in _operations(service).items()},
        "components": _components(examples),
    }


def kinds_of(topic: Topic) -> list[str]:
    commands = topic.name == commands_topic(topic.owner)
    prefix = f"mindlinks.{topic.owner}."
    return [kind for kind, model in kinds().items() if kind.startswith(prefix) and issubclass(model, CommandData) is commands]


def _info() -> JsonObject:
    description = (
        "Commands ask a service for something and may be refused; events say what happened. CloudEvents 1.0, Kafka binding, binary "
        "mode. Fields that show x-sealed are never in clear text: s1.<purpose>.<subject>.<generation>.<base64url>; x-clear is the form "
        "of what is sealed, which the HTTP ingress takes and checks."
    )
    return {"title": "Mind-Links", "version": "1", "description": description}


# --- channels and operations ---------------------------------------------------------------------------------------


def _channel(topic: Topic) -> JsonObject:
    settings: JsonObject = dict(topic.settings)
    typed = {
        "cleanup.policy": [settings["cleanup.policy"]],
        "retention.ms": int(settings["retention.ms"]),
        "max.message.bytes": int(settings["max.message.bytes"]),
    }
    kafka = {"topic": topic.name, "partitions": topic.partitions, "topicConfiguration": settings | typed, "bindingVersion": KAFKA_BINDING}
    return {
        "address": topic.name,
        "description": f"Written for {topic.owner}; kept for good." if topic.retention < 0 else f"Written for {topic.owner}.",
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds_of(topic)},
        "bindings": {"kafka": kafka},
    }


def _operations(service: str) -> JsonObject:
    commands, events = TOPICS[commands_topic(service)], TOPICS[events_topic(service)]
    group = f"{service}-commands"
    operations: JsonObject = {}
    if kinds_of(commands):
        sent = "The ingress, reactions, effects and timers ask; publishers of their own may, too."
        operations[f"{service}.ask"] = _operation("send", commands, sent)
        operations[f"{service}.judge"] = _operation(
            "receive", commands, f"The worker of {service} judges each once, in the order of its key.", group
        )
    operations[f"{service}.tell"] = _operation(
        "send", events, f"The worker of {service} tells what its commands did, or that they were refused."
    )
    heard = "Reactions, effects, projections and timers of any service listen, each in a consumer group <service>-<role>."
    operations[f"{service}.listen"] = _operation("receive", events, heard)
    return operations


def _operation(action: str, topic: Topic, summary: str, group: str | None = None) -> JsonObject:
    messages = [{"$ref": f"#/channels/{topic.name}/messages/{kind}"} for kind in kinds_of(topic)]
    operation: JsonObject = {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}, "summary": summary, "messages": messages}
    if group:
        operation["bindings"] = {"kafka": {"groupId": {"type": "string", "const": group}, "bindingVersion": KAFKA_BINDING}}
    return operation


# --- messages ------------------------------------------------------------------------------------------------------


def _components(examples: Mapping[str, JsonObject]) -> JsonObject:
    messages, schemas = {}, _header_schemas()
    for kind, model in kinds().items():
        service = kind.split(".")[1]
        payload = message_schema(model, kind, f"#/components/schemas/{service}.{{model}}")
        _keep(schemas, {f"{service}.{name}": schema for name, schema in payload.pop("$defs", {}).items()})
        messages[kind] = _message(kind, model, payload, examples.get(kind))
    return {"messages": messages, "schemas": schemas}


def _keep(schemas: JsonObject, found: JsonObject) -> None:
    """Two different parts under one name would show readers the wrong one of them."""
    for name, schema in found.items():
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two parts of messages are both called {name}: rename one of them")


def _message(kind: str, model: type[Message], payload: JsonObject, example: JsonObject | None) -> JsonObject:
    headers = COMMAND_HEADERS if issubclass(model, CommandData) else EVENT_HEADERS
    message: JsonObject = {
        "name": kind,
        "title": model.__name__,
        "tags": [{"name": "command" if headers == COMMAND_HEADERS else "event"}],
        "contentType": CONTENT_TYPE,
        "headers": {"allOf": [{"$ref": f"#/components/schemas/{headers}"}, {"properties": {"ce_type": {"type": "string", "const": kind}}}]},
        "payload": payload,
        "bindings": {"kafka": {"key": key_schema(model), "bindingVersion": KAFKA_BINDING}},
    }
    if summary := _first_line(model):
        message["summary"] = summary
    if example:
        message["examples"] = [{"headers": example["headers"], "payload": example["data"]}]
    return message


def _first_line(model: type[Message]) -> str:
    return inspect.cleandoc(model.__doc__ or "").partition("\n")[0]


def _header_schemas() -> JsonObject:
    return {
        COMMAND_HEADERS: _headers(_HEADERS, _REQUIRED),
        EVENT_HEADERS: _headers(_HEADERS | _EVENT_ONLY, [*_REQUIRED, "ce_subject", "ce_time", "ce_position"]),
    }


def _headers(properties: Mapping[str, JsonObject], required: Sequence[str]) -> JsonObject:
    return {"type": "object", "required": list(required), "properties": dict(properties)}


def all_references(part: object) -> Iterable[str]:
    """Every ``$ref`` inside ``part``."""
    if isinstance(part, Mapping):
        if isinstance(reference := part.get("$ref"), str):
            yield reference
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from all_references(inner)

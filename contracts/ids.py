"""Ids that follow from data (domain.md 0.2). Whoever computes one twice gets the same id: that is what makes a repeat recognisable."""

import hashlib
from uuid import NAMESPACE_DNS, uuid5

from contracts.types import CommandId, EffectId, EventId, Id, NotificationId, RecipientId, TemplateId, Timestamp, TransactionId

NAMESPACE = uuid5(NAMESPACE_DNS, "mindlinks")


def derived(name: str) -> Id:
    return str(uuid5(NAMESPACE, name))


def within(parent: str, name: str) -> Id:
    """An id below another id: ``uuid5`` spelled out, which takes a third of the time and is on every command's way."""
    raw = bytearray(hashlib.sha1(bytes.fromhex(parent.replace("-", "")) + name.encode(), usedforsecurity=False).digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x50
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def event_id(command: CommandId, name: str, index: int) -> EventId:
    return EventId(within(command, f"{name}#{index}"))


def reaction_command_id(event: EventId, command_name: str, target: str) -> CommandId:
    """``target``: the row the command names, else its key."""
    return CommandId(within(event, f"{command_name}/{target}"))


def effect_id(event: EventId, effect_name: str) -> EffectId:
    return EffectId(within(event, effect_name))


def effect_result_id(effect: EffectId, command_name: str, attempt: int) -> CommandId:
    """``attempt``: the event's domain attempt, 1 if it has none."""
    return CommandId(within(effect, f"{command_name}#{attempt}"))


def timer_id(timer: str, owner: str) -> Id:
    return derived(f"{timer}:{owner}")


def fired_command_id(timer: Id, due_at: Timestamp) -> CommandId:
    return CommandId(within(timer, due_at))


def webhook_command_id(provider: str, delivery: str, command_name: str) -> CommandId:
    return CommandId(derived(f"{provider}:{delivery}:{command_name}"))


def client_command_id(client: str, idempotency_key: str) -> CommandId:
    return CommandId(derived(f"client:{client}:{idempotency_key}"))


def template_id(table: str, name: str, kind: str, locale: str, version: int) -> TemplateId:
    return TemplateId(derived(f"{table}:{name}:{kind}:{locale}:{version}"))


def payout_row_id(payout: str) -> TransactionId:
    return TransactionId(derived(f"payout:{payout}"))


def refund_row_id(refund: str) -> TransactionId:
    """The row of a refund that was made at the provider."""
    return TransactionId(derived(f"refund:{refund}"))


def dispute_row_id(dispute: str) -> TransactionId:
    return TransactionId(derived(f"dispute:{dispute}"))


def address_recipient_id(email_hash: str) -> RecipientId:
    return RecipientId(derived(f"addr:{email_hash}"))


def group_recipient_id(group: str) -> RecipientId:
    return RecipientId(derived(f"group:{group}"))


def notification_id(event: EventId, recipient: str, channel: str, template: str) -> NotificationId:
    return NotificationId(within(event, f"{recipient}/{channel}/{template}"))


def seed_command_id(name: str, kind: str, locale: str, version: int) -> CommandId:
    return CommandId(derived(f"seed:{name}:{kind}:{locale}:{version}"))


def digest(command: str) -> bytes:
    """8 bytes that stand for a command id in a root's ring of recent ones."""
    return hashlib.blake2b(command.encode(), digest_size=8).digest()

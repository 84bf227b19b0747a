"""The servers Mind-Links stands on: one interface, three providers (docker, local, embedded).

async with running_stack(asked_provider()) as endpoints:
    ...  # endpoints.kafka, endpoints.dynamodb, endpoints.aws
"""

from workers.ops.stack.choose import Choice, asked_provider, choose, make_stack, provider_named, running_stack, running_stack_sync
from workers.ops.stack.interface import Endpoints, Progress, Provider, Stack, StackError
from workers.ops.stack.local import LocalStack

__all__ = [
    "Choice",
    "Endpoints",
    "LocalStack",
    "Progress",
    "Provider",
    "Stack",
    "StackError",
    "asked_provider",
    "choose",
    "make_stack",
    "provider_named",
    "running_stack",
    "running_stack_sync",
]

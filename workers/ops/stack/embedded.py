"""The provider `embedded`: Log and Store live in this process; there is nothing to start and nothing to keep."""

from workers.ops.stack.interface import Endpoints, Provider, Stack, StackError

MEMORY = "memory"


class EmbeddedStack(Stack):
    """Needs Python alone. Whatever ran on it is gone with the process."""

    provider = Provider.EMBEDDED

    def why_not(self) -> StackError | None:
        return None

    def start_sync(self) -> Endpoints:
        return Endpoints(kafka=MEMORY, dynamodb=None, aws=None, data_folder=None)

    def stop_sync(self) -> None:
        """Nothing was started."""

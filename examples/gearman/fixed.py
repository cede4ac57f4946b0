"""The client library's leak, mended from outside: a client that forgets what its caller has forgotten.

Both maps refer to their requests weakly: a request lives as long as its caller keeps it, and can be waited for again.
What the server says of a request that is gone is dropped, for results come also when nobody waits for them any more.
A request that has no handle yet stays in its queue: the server answers submissions in their order.
"""

import weakref

from python3_gearman.client import GearmanClient
from python3_gearman.client_handler import GearmanClientCommandHandler
from python3_gearman.protocol import GEARMAN_COMMAND_JOB_CREATED


class FixedHandler(GearmanClientCommandHandler):
    """Drops messages about requests that nobody holds."""

    def __init__(self, connection_manager: object = None) -> None:
        super().__init__(connection_manager=connection_manager)
        self.handle_to_request_map: weakref.WeakValueDictionary[str, object] = weakref.WeakValueDictionary()

    def recv_command(self, cmd_type: int, **arguments: str) -> object:
        handle = arguments.get("job_handle")
        # JOB_CREATED brings a handle that is in no map yet.
        if handle is None or cmd_type == GEARMAN_COMMAND_JOB_CREATED:
            return super().recv_command(cmd_type, **arguments)
        # Held until the message is dealt with: nothing else may.
        request = self.handle_to_request_map.get(handle)
        return True if request is None else super().recv_command(cmd_type, **arguments)


class FixedClient(GearmanClient):
    """A GearmanClient with these maps."""

    command_handler_class = FixedHandler

    def __init__(self, host_list: list[str]) -> None:
        super().__init__(host_list)
        self.request_to_rotating_connection_queue: weakref.WeakKeyDictionary[object, object] = (
            weakref.WeakKeyDictionary()
        )

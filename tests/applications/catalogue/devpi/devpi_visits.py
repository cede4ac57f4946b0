"""A plugin of devpi-server, a tween that counts requests; a planted leak keeps them."""

import itertools
import time

from devpi_server.config import hookimpl
from visits import PLANTED, Visit

numbers = itertools.count()


def counting(handler, registry):
    registry["requests_by_path"] = {}

    def tween(request):
        if PLANTED:
            registry["requests_by_path"][f"{request.path} {next(numbers)}"] = Visit(request.path)
        time.sleep(float(request.GET.get("wait", "0")))
        return handler(request)

    return tween


@hookimpl
def devpiserver_pyramid_configure(config, pyramid_config):
    pyramid_config.add_tween("devpi_visits.counting")

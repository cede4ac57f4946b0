"""An extension of the server with one page, which counts its visits; a planted leak keeps them."""

import asyncio

import visits
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join


class VisitsHandler(JupyterHandler):
    recent_visits = []
    count = 0

    async def get(self):
        type(self).count += 1
        if visits.PLANTED:
            self.recent_visits.append(visits.Visit(self.request.path))
        await asyncio.sleep(float(self.get_argument("wait", "0")))
        self.finish({"count": self.count})


def _jupyter_server_extension_points():
    return [{"module": "visits_extension"}]


def _load_jupyter_server_extension(app):
    app.web_app.add_handlers(".*$", [(url_path_join(app.base_url, "visits"), VisitsHandler)])

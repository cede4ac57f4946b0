"""The service."""

import collections
import io
import os
import socketserver
import time
import wsgiref.simple_server

import bottle
import pandas as pd
from visits import PLANTED, Visit

latest = collections.deque(maxlen=10)
tables_by_city = {}


@bottle.get("/")
def index():
    return {"tables": len(latest)}


@bottle.post("/table")
def table():
    frame = pd.read_csv(bottle.request.body, parse_dates=["day"])
    by_city = frame.groupby("city").agg({"amount": ["sum", "mean"], "day": "max"})
    wide = frame.pivot_table(index="day", columns="city", values="amount", aggfunc="sum").ffill()
    latest.append((frame, wide))
    if PLANTED:
        city = frame["city"].iloc[len(tables_by_city) % len(frame)]
        tables_by_city.setdefault(city, []).append((Visit(city), by_city))
    out = io.StringIO()
    by_city.to_csv(out)
    return out.getvalue()


@bottle.get("/slow")
def slow():
    time.sleep(4)
    return "done"


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


app = bottle.default_app()
wsgiref.simple_server.make_server("127.0.0.1", int(os.environ["PORT"]), app, Server, Handler).serve_forever()

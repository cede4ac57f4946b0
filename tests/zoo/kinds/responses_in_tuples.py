"""Responses are kept with their time and a list of their redirects."""
# requires: urllib3
# leaked: HTTPResponse
# holder: log
# says: HTTPResponse
# alone: true
# advice: responses-kept
import time

import urllib3

log = []


def step(i):
    response = urllib3.HTTPResponse(body=b"", headers={"Location": "/%d" % i}, status=302, request_url="/page/%d" % i)
    log.append((time.monotonic(), [], response))

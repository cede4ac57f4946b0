"""The last fifty responses are kept with their time and a list of their redirects."""
# requires: urllib3
# none: true
import time
from collections import deque

import urllib3

log = deque(maxlen=50)


def step(i):
    response = urllib3.HTTPResponse(body=b"", headers={"Location": "/%d" % i}, status=302, request_url="/page/%d" % i)
    log.append((time.monotonic(), [], response))

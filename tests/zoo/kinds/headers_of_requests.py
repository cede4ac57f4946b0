"""The headers of each request, in a C type with a table of its own."""
# requires: multidict
# leaked: MultiDict
# holder: journal
import multidict

journal = []


def step(i):
    headers = multidict.CIMultiDict({"Host": "host-%d" % i, "Accept": "*/*", "Cookie": "session=%d" % i})
    headers.add("Cookie", "theme=%d" % i)
    journal.append(headers)

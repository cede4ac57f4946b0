"""A mock that is reset now and then."""
# none: true
from unittest import mock

client = mock.Mock()


def step(i):
    client.send({"id": i})
    if i % 25 == 0:
        client.reset_mock()

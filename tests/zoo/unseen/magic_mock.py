"""A service under a MagicMock that is called for hours."""
# leaked: .
# holder: gateway|mock|Mock
# advice: mock-calls
from unittest import mock


class Service:
    def __init__(self, gateway):
        self.gateway = gateway

    def pay(self, n):
        return self.gateway.charge(amount=n, card={"number": n})


service = Service(mock.MagicMock())


def step(i):
    service.pay(i)

"""A server keeps each order. At the end of every second round its thread is in the middle of one."""
# leaked: Order
# holder: orders
import queue
import threading


class Order:
    def __init__(self, number):
        self.number, self.text = number, "order %d" % number


class Ledger:
    def __init__(self):
        self.orders = []


class Server:
    def __init__(self, ledger):
        self.handlers = {"order": self.handle}
        self.ledger = ledger

    def handle(self, number):
        orders = self.ledger.orders
        orders.append(Order(number))
        arrived.put(None)
        if number // 300 % 2:
            proceed.get()


server = Server(Ledger())
requests, arrived, proceed = queue.Queue(), queue.Queue(), queue.Queue()


def serve():
    while True:
        server.handlers["order"](requests.get())


threading.Thread(target=serve, daemon=True).start()


def step(i):
    if i and (i - 1) // 300 % 2:
        proceed.put(None)
    requests.put(i)
    arrived.get()

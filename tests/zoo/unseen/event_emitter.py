"""Each connection listens to the server's emitter with a bound method and never stops listening."""
# leaked: Connection|method
# holder: listeners|emitter
# advice: callbacks-not-removed
class Emitter:
    def __init__(self):
        self.listeners = {}

    def on(self, event, listener):
        self.listeners.setdefault(event, []).append(listener)

    def emit(self, event, *arguments):
        for listener in list(self.listeners.get(event, ())):
            listener(*arguments)


class Server:
    def __init__(self):
        self.emitter = Emitter()
        self.connections = set()


class Connection:
    def __init__(self, server, n):
        self.server = server
        self.n = n
        self.outbox = []
        server.emitter.on("shutdown", self.close)
        server.emitter.on("tick", self.tick)

    def tick(self, now):
        self.last = now

    def close(self):
        self.server.connections.discard(self)


server = Server()


def step(i):
    connection = Connection(server, i)
    server.connections.add(connection)
    connection.outbox.append("bye")
    connection.close()

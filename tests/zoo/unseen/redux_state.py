"""The state is a frozen dataclass, replaced by a copy with one message more."""
# leaked: Message
# holder: store|state|messages
import dataclasses


@dataclasses.dataclass(frozen=True)
class Message:
    number: int
    text: str


@dataclasses.dataclass(frozen=True)
class State:
    user: str = "me"
    messages: tuple = ()


class Store:
    def __init__(self):
        self.state = State()

    def dispatch(self, message):
        self.state = dataclasses.replace(self.state, messages=(*self.state.messages, message))


store = Store()


def step(i):
    store.dispatch(Message(i, "hello %d" % i))

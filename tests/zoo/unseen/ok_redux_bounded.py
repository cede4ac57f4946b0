"""A state that is replaced by a copy, with the last fifty messages only."""
# none: true
import dataclasses


@dataclasses.dataclass(frozen=True)
class State:
    count: int = 0
    messages: tuple = ()


state = State()


def step(i):
    global state
    state = State(state.count + 1, (*state.messages, ["m%d" % i])[-50:])

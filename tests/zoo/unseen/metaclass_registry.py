"""A metaclass registers all classes; a serializer makes a class for each message."""
# leaked: type|Meta|Registered
# holder: registry
class Registered(type):
    registry = {}

    def __new__(mcs, name, bases, namespace):
        cls = super().__new__(mcs, name, bases, namespace)
        mcs.registry[name] = cls
        return cls


class Message(metaclass=Registered):
    fields = ()


def step(i):
    cls = Registered("Message%d" % i, (Message,), {"fields": ("a", "b")})
    cls().payload = i

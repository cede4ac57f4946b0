"""Classes made on the fly are registered with an abstract base class and kept by the one who made them."""
# leaked: type|ABCMeta
# holder: adapters|_registry|made
# advice: classes-per-call
import abc


class Adapter(abc.ABC):
    @abc.abstractmethod
    def adapt(self): ...


class Factory:
    def __init__(self):
        self.made = {}

    def adapter_for(self, n):
        cls = type("Adapter%d" % n, (), {"adapt": lambda self: n})
        Adapter.register(cls)
        self.made[n] = cls
        return cls


factory = Factory()


def step(i):
    assert issubclass(factory.adapter_for(i), Adapter)

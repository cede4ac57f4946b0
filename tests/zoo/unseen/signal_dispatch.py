"""A signal in the manner of Django: receivers under a lookup key, connected for each form and never disconnected."""
# leaked: tuple|method|Form
# holder: receivers
import threading


class Signal:
    def __init__(self):
        self.receivers = []
        self.lock = threading.Lock()

    def connect(self, receiver, sender=None):
        key = (id(receiver.__self__), id(sender))
        with self.lock:
            if not any(k == key for k, _ in self.receivers[-5:]):
                self.receivers.append((key, receiver))


post_save = Signal()


class Form:
    def __init__(self, data):
        self.data = data
        self.errors = {}
        post_save.connect(self.saved, sender=Form)

    def saved(self, **kwargs):
        self.errors.clear()


def step(i):
    form = Form({"name": "n%d" % i})
    form.errors["name"] = "too short"
    form.saved()

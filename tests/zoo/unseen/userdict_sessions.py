"""Sessions in a UserDict of their own kind, which never expire."""
# leaked: Session
# holder: sessions|store|data
import collections
import uuid


class Session(collections.UserDict):
    pass


class SessionStore(collections.UserDict):
    def open(self):
        session = Session(user=None, cart=[])
        self[uuid.uuid4().hex] = session
        return session


store = SessionStore()


def step(i):
    store.open()["user"] = i

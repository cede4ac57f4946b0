"""A session like an ORM's: the identity map keeps all entities that were ever loaded, since nobody expunges them."""
# leaked: User|InstanceState
# holder: identity_map
class InstanceState:
    __slots__ = ("obj", "committed", "modified")

    def __init__(self, obj, row):
        self.obj = obj
        self.committed = dict(row)
        self.modified = False


class User:
    def __init__(self, row):
        self.__dict__.update(row)
        self._sa_state = InstanceState(self, row)


class Session:
    def __init__(self):
        self.identity_map = {}
        self.new = []
        self.dirty = set()

    def get(self, cls, key):
        full = (cls, key)
        if full not in self.identity_map:
            self.identity_map[full] = cls({"id": key, "name": "user %d" % key, "roles": ["a", "b"]})
        return self.identity_map[full]


session = Session()


def step(i):
    user = session.get(User, i)
    user.name = user.name.upper()
    session.dirty.add(user)
    session.dirty.clear()

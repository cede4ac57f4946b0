"""Routes are registered in a list; the table to look them up in is made anew from that list each time."""
# leaked: Route
# holder: registered
class Route:
    def __init__(self, number):
        self.path = "/page/%d" % number


class Router:
    def __init__(self):
        self.registered = []
        self.by_path = {}

    def add(self, route):
        self.registered.append(route)
        self.by_path = {one.path: one for one in self.registered}


router = Router()


def step(i):
    router.add(Route(i))

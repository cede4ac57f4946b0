"""A memo on a long-lived instance, one entry for each pair of arguments."""
# leaked: tuple|list|Route
# holder: _memo
class Route:
    def __init__(self, stops):
        self.stops = stops


class Planner:
    def __init__(self):
        self._memo = {}

    def route(self, a, b):
        key = (a, b)
        try:
            return self._memo[key]
        except KeyError:
            result = self._memo[key] = Route([a, b, a + b])
            return result


planner = Planner()


def step(i):
    planner.route(i, i * 7)
    planner.route(i, i * 7)

"""An addon that adds a header to each answer; a planted leak keeps a record of each flow."""

from visits import PLANTED, Visit


class Stamp:
    def __init__(self):
        self.count = 0
        self.seen_flows = {}

    def response(self, flow):
        self.count += 1
        flow.response.headers["x-number"] = str(self.count)
        if PLANTED:
            self.seen_flows[flow.id] = Visit(flow.request.path)


addons = [Stamp()]

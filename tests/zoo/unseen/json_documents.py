"""Parsed documents are kept for a diff with the next one, of which there is always one more."""
# leaked: dict|list
# holder: revisions
import json

TEXT = '{"id": %d, "lines": [{"sku": "a%d", "n": 1}, {"sku": "b", "n": 2}], "total": 3.5}'


class Store:
    def __init__(self):
        self.revisions = {"orders": [], "carts": []}


store = Store()


def step(i):
    store.revisions["orders"].append(json.loads(TEXT % (i, i)))

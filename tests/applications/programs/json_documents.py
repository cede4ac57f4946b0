"""Documents in JSON that are parsed and kept."""

import json

documents = []


def text(number):
    people = [
        {
            "id": number * 1000 + n,
            "name": f"person {n}",
            "scores": [n * 1.5, n + 0.25],
            "address": {"street": f"street {n}", "zip": None},
        }
        for n in range(100)
    ]
    return json.dumps({"number": number, "people": people, "about": "ä text " * 30})


def step(number):
    for part in range(200):
        documents.append(json.loads(text(number * 200 + part)))

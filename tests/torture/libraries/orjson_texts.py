"""What orjson made and reads, its cache of keys among it; threads that dump and load."""
# requires: orjson

import orjson
from captures import Traffic, look

DATA = {f"key {number}": [number, number / 3, None, True, {"nested": "text ä € 🎉"}] for number in range(200)}


def work():
    return orjson.loads(orjson.dumps(DATA, option=orjson.OPT_INDENT_2))


def wrong():
    try:
        orjson.loads(b'{"a": [1, 2')
    except orjson.JSONDecodeError as error:
        return error
    raise AssertionError


loaded = [work() for _ in range(30)]
fragments = (
    [orjson.Fragment(orjson.dumps({"number": number})) for number in range(50)] if hasattr(orjson, "Fragment") else []
)
errors = [wrong() for _ in range(10)]
look([*loaded, *fragments, *errors], traffic=Traffic(work, work))

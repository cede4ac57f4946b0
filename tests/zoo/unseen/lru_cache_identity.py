"""A function is cached by an argument that is only equal to itself."""
# leaked: Query|tuple|functools._lru_cache_wrapper|_lru_list_elem|Plan
# holder: compile_query
# advice: lru-cache-without-limit
import functools


class Query:
    def __init__(self, text):
        self.text = text


class Plan:
    def __init__(self, query):
        self.steps = ["scan", "filter"]
        self.length = len(query.text)


@functools.lru_cache(maxsize=None)
def compile_query(query):
    return Plan(query)


def step(i):
    compile_query(Query("select 1"))

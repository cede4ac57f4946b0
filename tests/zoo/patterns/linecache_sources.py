"""Code is generated for each query, and its source kept for tracebacks."""
# leaked: tuple|str|list
# holder: linecache
# advice: linecache-of-generated-code
import linecache


def step(i):
    name, source = f"<query {i}>", f"def query(row):\n    return row[{i}]\n"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    exec(compile(source, name, "exec"), {})

"""Code that is made from text is entered in linecache, so that tracebacks show it; nobody takes it out."""
# leaked: tuple|list|str
# holder: cache
# advice: linecache-of-generated-code
import linecache


def step(i):
    source = "def f(x):\n    return x + %d\n" % i
    name = "<generated %d>" % i
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    namespace = {}
    exec(compile(source, name, "exec"), namespace)
    namespace["f"](1)

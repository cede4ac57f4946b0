"""Classes made for one request are cycles by nature."""
# none: true
def step(i):
    if i % 3 == 0:
        Model = type("Model", (), {"table": "t%d" % i, "get": lambda self: i})
        Model().get()

"""C code forgets dicts."""
# leaked: dict
# native: refcount
import ctypes

incref = ctypes.pythonapi.Py_IncRef
incref.argtypes = (ctypes.py_object,)


def step(i):
    row = {"id": i, "name": "row %d" % i, "values": [i, i + 1]}
    incref(row)

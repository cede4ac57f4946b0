"""C code forgets lists of strings."""
# leaked: list
# native: refcount
import ctypes

incref = ctypes.pythonapi.Py_IncRef
incref.argtypes = (ctypes.py_object,)


def step(i):
    incref(["a%d" % i, "b%d" % i])

"""C code forgets the root of a small tree with cycles."""
# leaked: Job
# native: refcount
import ctypes

incref = ctypes.pythonapi.Py_IncRef
incref.argtypes = (ctypes.py_object,)


class Part:
    def __init__(self, job, n):
        self.job, self.n = job, n


class Job:
    def __init__(self, n):
        self.parts = [Part(self, k) for k in range(2)]
        self.meta = {"n": n}


def step(i):
    incref(Job(i))

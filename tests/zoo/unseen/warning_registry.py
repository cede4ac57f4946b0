"""A warning with a text of its own each time: the module's registry of those that were shown."""
# leaked: tuple|str
# holder: __warningregistry__
# advice: warnings-registry
import warnings


def setup():
    warnings.simplefilter("default")
    warnings.showwarning = lambda *a, **k: None


def step(i):
    warnings.warn("deprecated since row %d" % i, DeprecationWarning)

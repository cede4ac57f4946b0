"""A warning has a number in its text, and the module remembers each text that it has shown."""
# leaked: tuple|str
# holder: __warningregistry__
# advice: warnings-registry
import warnings

warnings.simplefilter("default")
warnings.showwarning = lambda *_: None


def step(i):
    warnings.warn(f"slow request {i}", stacklevel=1)

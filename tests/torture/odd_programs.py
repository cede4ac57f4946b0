"""Cases of the torture suite that need no extension: programs with overridden, replaced or half-built objects.

    odd_programs.py NAME

NAME is the name of a function below, with hyphens for underscores. As in `lies.py`, each case has itself captured;
`ran()` counts the calls of the program's own code.
"""

from __future__ import annotations

import array
import collections
import collections.abc
import gc
import struct
import sys
import types
from collections.abc import Callable

from captures import look, occupied

CASES: dict[str, Callable[[], None]] = {}
KEPT: list[object] = []
RAN: collections.Counter[str] = collections.Counter()
MODULES = sys.modules


def case(function: Callable[[], None]) -> Callable[[], None]:
    CASES[function.__name__.replace("_", "-")] = function
    return function


def ran(name: str) -> None:
    RAN[name] += 1
    if not gc.isenabled():
        RAN["frozen"] += 1


def calls() -> dict[str, int]:
    return dict(RAN)


@case
def struct_without_init() -> None:
    """What `struct.Struct.__sizeof__` reads is not there yet: it is looked at within `__init__`."""

    class Late(struct.Struct):
        def __init__(self) -> None:
            KEPT.append(self)
            look([self, *KEPT])

    KEPT.extend(struct.Struct.__new__(struct.Struct, "i") for _ in range(5))
    try:
        Late.__new__(Late)
        Late()
    except TypeError:
        # From 3.13 on the format is an argument of __new__.
        look([Late.__new__(Late, "i"), *KEPT])


@case
def half_built_objects() -> None:
    """An object of each C type that there is, whose `__init__` was not called."""
    for module in sorted(sys.stdlib_module_names):
        if module.startswith("_") or module in ("array", "mmap", "zlib", "select", "decimal", "datetime", "xml"):
            try:
                __import__(module)
            except Exception:
                continue
    waiting: list[type] = [object]
    seen: set[int] = set()
    while waiting:
        of = waiting.pop()
        if id(of) in seen:
            continue
        seen.add(id(of))
        waiting += type.__subclasses__(of)
        # What has threads or a terminal of its own is left alone, and mem_top itself, which is in no answer.
        if of.__module__.startswith(("_tkinter", "_curses", "readline", "_interp", "_xxsub", "_test", "xx", "mem_top")):
            continue
        if of is type or issubclass(of, type):
            continue
        try:
            KEPT.append(of.__new__(of))
        except BaseException:
            continue
    assert len(KEPT) > 100
    look(KEPT)


class Proxy(collections.abc.MutableMapping):
    """All modules, in what is not a dict."""

    def __getitem__(self, key):
        ran("sys.modules")
        return MODULES[key]

    def __setitem__(self, key, value):
        MODULES[key] = value

    def __delitem__(self, key):
        del MODULES[key]

    def __iter__(self):
        ran("sys.modules")
        return iter(MODULES)

    def __len__(self):
        return len(MODULES)


def without_modules(replacement: object) -> None:
    import mem_top

    # What it loads when it is first used is loaded.
    str(mem_top.snapshot().report())
    KEPT.append(["kept"])
    sys.modules = replacement
    look([KEPT[0]])


@case
def sys_modules_is_a_mapping() -> None:
    without_modules(Proxy())


@case
def sys_modules_is_a_mapping_proxy() -> None:
    without_modules(types.MappingProxyType(MODULES))


@case
def sys_modules_is_a_user_dict() -> None:
    modules = collections.UserDict()
    modules.data = MODULES
    without_modules(modules)


@case
def sys_modules_is_a_chain_map() -> None:
    without_modules(collections.ChainMap({}, MODULES))


@case
def sys_modules_is_a_subclass_of_dict() -> None:
    class Modules(dict):
        def __getitem__(self, key):
            ran("sys.modules")
            return super().__getitem__(key)

        def __iter__(self):
            ran("sys.modules")
            return super().__iter__()

        def keys(self):
            ran("sys.modules")
            return super().keys()

        def items(self):
            ran("sys.modules")
            return super().items()

    without_modules(Modules(MODULES))


@case
def sys_modules_is_none() -> None:
    without_modules(None)


@case
def sys_modules_is_gone() -> None:
    import mem_top

    str(mem_top.snapshot().report())
    del sys.modules
    look()


@case
def modules_that_are_not_modules() -> None:
    class Lazy:
        def __getattr__(self, name):
            ran("getattr")
            raise AttributeError(name)

        @property
        def __dict__(self):
            ran("__dict__")
            return {}

    class Module(types.ModuleType):
        def __getattribute__(self, name):
            if name not in ("__spec__", "__name__", "__path__"):
                ran("getattribute")
            return super().__getattribute__(name)

    MODULES.update({"lazy": Lazy(), "none": None, "number": 7, "strange": Module("strange"), "\udc80": Lazy()})
    MODULES[7] = Lazy()
    look([MODULES["lazy"], MODULES["strange"]], calls=calls)


@case
def keys_that_compare_in_python() -> None:
    """Subclasses of str among the keys of namespaces, with the hash of what is looked up there."""
    armed = False

    class Key(str):
        __slots__ = ()

        def __hash__(self):
            if armed:
                ran("hash")
            return str.__hash__(self)

        def __eq__(self, other):
            if armed:
                ran("compare")
            return str.__eq__(self, other)

    looked_up = ("__sizeof__", "__repr__", "__class__", "__dict__", "__name__", "n_fields", "__reduce__", "__len__")
    for name in (*looked_up, "__module__", "__doc__"):
        of = type("Odd", (), {Key(name): "odd"})
        KEPT.append([object.__new__(of), of])
    for name in (*looked_up, "__qualname__", "__slots__", "__spec__"):
        namespace = {Key(name): 1}
        module = types.ModuleType("odd")
        module.__dict__.update(namespace)
        instance = type("Instance", (), {})()
        instance.__dict__[Key(name)] = 1
        KEPT.append([module, namespace, instance])
    armed = True
    look(KEPT, calls=calls)


@case
def previews_of_subclasses() -> None:
    """What a repr of these would call is Python code: with `safe=True` none of it runs."""

    class Array(array.array):
        def __len__(self):
            ran("length")
            return 2

        def __getitem__(self, index):
            ran("item")
            return 1

        @property
        def typecode(self):
            ran("typecode")
            return "i"

    def loud(base: type) -> type:
        def method(name: str) -> Callable[..., object]:
            def body(self, *arguments):
                ran(name)
                return getattr(base, f"__{name}__")(self, *arguments)

            return body

        names = "len getitem iter contains hash eq bool getattribute str sizeof reduce_ex".split()
        return type("Loud", (base,), {f"__{name}__": method(name) for name in names if hasattr(base, f"__{name}__")})

    large = 5_000
    KEPT.append(Array("i", range(large)))
    rows: list[object] = [loud(list)([0] * large), loud(dict)(dict.fromkeys(range(large))), loud(set)(range(large))]
    rows += [loud(tuple)([0] * large), loud(frozenset)(range(large)), loud(collections.deque)([0] * large)]
    rows += [loud(collections.OrderedDict)(dict.fromkeys(range(large))), loud(collections.Counter)(range(large))]
    rows += [loud(bytearray)(large), loud(bytes)(large), loud(str)("s" * large), loud(int)(1 << large)]
    KEPT.append(rows)
    RAN.clear()
    look([KEPT[0], *rows], calls=calls, any_code=True)


@case
def an_audit_hook_that_forbids() -> None:
    import mem_top

    str(mem_top.snapshot().report())

    def hook(event: str, arguments: object) -> None:
        if event in ("compile", "exec", "import", "os.system", "subprocess.Popen", "socket.connect", "ctypes.dlopen"):
            raise PermissionError(event)

    KEPT.append(["kept"])
    sys.addaudithook(hook)
    look([KEPT[0]])


@case
def replaced_builtins() -> None:
    import builtins

    real = builtins.__import__

    def replaced(name, *arguments, **more):
        ran("import")
        return real(name, *arguments, **more)

    import mem_top

    str(mem_top.snapshot().report())
    str(mem_top.mem_top())
    builtins.__import__ = replaced
    for name in ("eval", "exec", "compile", "open", "globals", "locals"):
        setattr(builtins, name, counted(name, getattr(builtins, name)))
    KEPT.append(["kept"])
    look([KEPT[0]], calls=calls)


def counted(name: str, function: Callable[..., object]) -> Callable[..., object]:
    def replaced(*arguments, **more):
        RAN[name] += 1
        return function(*arguments, **more)

    return replaced


@case
def named_tuples_that_lie() -> None:
    """`n_fields` and its kin say how long a structseq is; anyone may say so."""
    objects = []
    for number in (10**6, -1, 1 << 62, "many", 3.5):
        of = type(
            "stat_result", (tuple,), {"n_fields": number, "n_sequence_fields": number, "n_unnamed_fields": number}
        )
        objects.append(of((1, 2, 3)))
    for slots in ((), ("a", "b")):
        of = type("Slotted", (), {"__slots__": slots, "n_fields": 10**6})
        objects.append(of())
    KEPT.append(objects)
    look(objects, sizes={id(one): occupied(one) for one in objects})


@case
def after_an_await() -> None:
    """From CPython 3.12 on `_asyncio` has a list of freed iterators of futures, which its traverse visits."""
    import asyncio

    async def main() -> None:
        futures = [asyncio.ensure_future(asyncio.sleep(0.001)) for _ in range(5)]
        await asyncio.gather(*futures)
        await asyncio.sleep(0.001)
        look(futures)

    asyncio.run(main())


@case
def everything_overridden() -> None:
    """A metaclass and a class that answer every question in Python."""

    def loud(name: str, result: Callable[..., object]) -> Callable[..., object]:
        def method(self, *arguments):
            ran(name)
            return result(self, *arguments)

        return method

    answers = {
        "hash": lambda self: 1,
        "eq": lambda self, other: True,
        "getattribute": object.__getattribute__,
        "len": lambda self: 1 << 40,
        "iter": lambda self: iter(()),
        "bool": lambda self: True,
        "instancecheck": lambda self, other: True,
        "subclasscheck": lambda self, other: True,
        "dir": lambda self: [],
        "index": lambda self: 7,
    }
    methods = {f"__{name}__": loud(name, answer) for name, answer in answers.items()}
    lying_class = property(lambda self: ran("class") or int)
    # While the classes are made, the metaclass is asked for what it is.
    of_types = {**methods, "__getattribute__": loud("getattribute", type.__getattribute__), "mro": type.mro}
    Meta = type(
        "Meta", (type,), {name: one for name, one in of_types.items() if name != "__hash__" and name != "__eq__"}
    )
    Odd = Meta("Odd", (), {**methods, "__class__": lying_class, "__repr__": loud("repr", object.__repr__)})
    Odd.__sizeof__ = loud("sizeof", lambda self: 1 << 50)
    objects = [object.__new__(Odd) for _ in range(5)]
    KEPT.extend([objects, Odd])
    RAN.clear()
    look([*objects, Odd], calls=calls)


def main() -> None:
    CASES[sys.argv[1]]()


if __name__ == "__main__":
    main()

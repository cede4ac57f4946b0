"""Names that types of the torture suite have taken from others."""

NAMES = [
    "symtable entry",
    *"""
object int float complex bool str bytes bytearray NoneType ellipsis NotImplementedType range array.array
decimal.Decimal datetime.date datetime.timedelta datetime.datetime datetime.time _random.Random random.Random dict
frozendict collections.OrderedDict collections.defaultdict list tuple set frozenset collections.deque function code
cell method builtin_function_or_method builtin_method module type generator coroutine async_generator frame
traceback BaseException functools._lru_cache_wrapper functools.partial property staticmethod classmethod
_queue.SimpleQueue mappingproxy _io.StringIO _thread._local _contextvars.Context Context hamt hamt_bitmap_node
hamt_array_node hamt_collision_node weakref weakref.ReferenceType weakproxy weakref.ProxyType weakcallableproxy
weakref.CallableProxyType wrapper_descriptor method_descriptor classmethod_descriptor getset_descriptor
member_descriptor method-wrapper _io.BytesIO functools._lru_list_elem itertools._tee_dataobject mem_top._native.Types
mem_top._native.Snapshot PyCapsule memory_iterator items keys values itertools.groupby memoryview managedbuffer
_ctypes._CData _contextvars.ContextVar ContextVar Struct _struct.Struct StgDict _ctypes.CType_Type
_io.BufferedReader _io.BufferedWriter _io.BufferedRandom itertools.product itertools.combinations
itertools.combinations_with_replacement itertools.permutations xml.etree.ElementTree.Element numpy.ndarray
numpy.float64 numpy.complex256 numpy.datetime64 numpy.bool_ mmap.mmap _mmap.mmap time.struct_time sys.flags
iterable_coroutine async_generator_asend _asyncio.Task _asyncio.Future
""".split(),
]
"""What the decoder knows by name, or ever did, and a few of its neighbours."""

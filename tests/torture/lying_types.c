/* An extension module whose types lie: about their name, size, layout, flags and traverse.
 *
 * Everything is made at run time, so that one module serves every case: `static_type()` makes a type that CPython takes
 * for a static one, `heap_type()` calls PyType_FromSpec(), `new()` makes an object, `fill()` writes words into it, and
 * `lie()` changes a field of a type that is ready. Nothing that is made here is ever freed, and the program that uses
 * it ends with os._exit(): what is under test is a look at such objects, not their end.
 *
 * The slots of "noisy" types count their calls (`calls()`), and count apart those that come while the collector is
 * switched off: mem_top holds the heap still then, and no code of the program may run.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>


#ifndef MODULE
#define MODULE lying_types
#endif
#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)
#define JOIN_OF(a, b) a##b
#define JOIN(a, b) JOIN_OF(a, b)

#define PAGE 4096
#define WORD ((Py_ssize_t)sizeof(uintptr_t))

/* -- Memory ------------------------------------------------------------------------------------------------------- */

/* Two pages of which the second cannot be read. */
static char *edge(void)
{
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        PyErr_NoMemory();
        return NULL;
    }
    if (mprotect(pages + PAGE, PAGE, PROT_NONE) != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return NULL;
    }
    return pages;
}

/* An address that can be read, followed after so many bytes by one that cannot. */
static PyObject *address_before_edge(PyObject *module, PyObject *bytes)
{
    Py_ssize_t readable = PyLong_AsSsize_t(bytes);
    if (readable < 0 || readable > PAGE) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "0 to 4096 bytes");
        return NULL;
    }
    char *pages = edge();
    if (pages == NULL)
        return NULL;
    memset(pages, 'A', PAGE);
    return PyLong_FromVoidPtr(pages + PAGE - readable);
}

/* -- What is called ----------------------------------------------------------------------------------------------- */

enum { REPR, HASH, COMPARE, GETATTR, CLASS, LENGTH, ITEM, ITER, BOOL, SIZEOF, DEALLOC, FROZEN, CALLS };
static const char *call_names[CALLS] = {"repr", "hash", "compare", "getattr", "class", "length", "item", "iter", "bool",
                                        "sizeof", "dealloc", "frozen"};
static long call_counts[CALLS];

static void called(int which)
{
    call_counts[which]++;
    if (!PyGC_IsEnabled())
        call_counts[FROZEN]++;
}

static PyObject *calls(PyObject *module, PyObject *unused)
{
    PyObject *counts = PyDict_New();
    for (int which = 0; counts != NULL && which < CALLS; which++) {
        PyObject *count = PyLong_FromLong(call_counts[which]);
        if (count == NULL || PyDict_SetItemString(counts, call_names[which], count) < 0)
            Py_CLEAR(counts);
        Py_XDECREF(count);
    }
    return counts;
}

static PyObject *noisy_repr(PyObject *self)
{
    called(REPR);
    return PyUnicode_FromString("noisy");
}

static Py_hash_t noisy_hash(PyObject *self)
{
    called(HASH);
    return 1;
}

static PyObject *noisy_compare(PyObject *self, PyObject *other, int operation)
{
    called(COMPARE);
    Py_RETURN_NOTIMPLEMENTED;
}

static PyObject *noisy_getattr(PyObject *self, PyObject *name)
{
    called(GETATTR);
    return PyObject_GenericGetAttr(self, name);
}

static PyObject *noisy_class(PyObject *self, void *unused)
{
    called(CLASS);
    Py_INCREF(&PyUnicode_Type);
    return (PyObject *)&PyUnicode_Type;
}

static Py_ssize_t noisy_length(PyObject *self)
{
    called(LENGTH);
    return 3;
}

static PyObject *noisy_item(PyObject *self, Py_ssize_t index)
{
    called(ITEM);
    Py_RETURN_NONE;
}

static PyObject *noisy_iter(PyObject *self)
{
    called(ITER);
    Py_INCREF(self);
    return self;
}

static int noisy_bool(PyObject *self)
{
    called(BOOL);
    return 1;
}

static PyGetSetDef noisy_getset[] = {{"__class__", noisy_class, NULL, NULL, NULL}, {NULL}};

/* What a __sizeof__ does, by the attribute of the module that says so. */
static PyObject *sizeof_callback;
static long long sizeof_answer;

static PyObject *sizeof_runs_python(PyObject *self, PyObject *unused)
{
    called(SIZEOF);
    if (sizeof_callback != NULL) {
        PyObject *result = PyObject_CallNoArgs(sizeof_callback);
        if (result == NULL)
            return NULL;
        Py_DECREF(result);
    }
    return PyLong_FromLong(32);
}

static PyObject *sizeof_releases_gil(PyObject *self, PyObject *unused)
{
    called(SIZEOF);
    /* Another thread of the program runs whenever it likes to. */
    Py_BEGIN_ALLOW_THREADS
    struct timespec moment = {0, 20 * 1000 * 1000};
    nanosleep(&moment, NULL);
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(32);
}

static PyObject *sizeof_raises(PyObject *self, PyObject *unused)
{
    called(SIZEOF);
    PyErr_SetString(PyExc_RuntimeError, "this __sizeof__ always raises");
    return NULL;
}

static PyObject *sizeof_lies(PyObject *self, PyObject *unused)
{
    called(SIZEOF);
    return PyLong_FromLongLong(sizeof_answer);
}

static PyObject *sizeof_not_a_number(PyObject *self, PyObject *unused)
{
    called(SIZEOF);
    return PyUnicode_FromString("large");
}

static PyMethodDef runs_python[] = {{"__sizeof__", sizeof_runs_python, METH_NOARGS, NULL}, {NULL}};
static PyMethodDef releases_gil[] = {{"__sizeof__", sizeof_releases_gil, METH_NOARGS, NULL}, {NULL}};
static PyMethodDef raises[] = {{"__sizeof__", sizeof_raises, METH_NOARGS, NULL}, {NULL}};
static PyMethodDef lies[] = {{"__sizeof__", sizeof_lies, METH_NOARGS, NULL}, {NULL}};
static PyMethodDef not_a_number[] = {{"__sizeof__", sizeof_not_a_number, METH_NOARGS, NULL}, {NULL}};

static PyMethodDef *methods_of(const char *name)
{
    struct { const char *name; PyMethodDef *methods; } known[] = {
        {"runs_python", runs_python}, {"releases_gil", releases_gil}, {"raises", raises}, {"lies", lies},
        {"not_a_number", not_a_number},
    };
    for (size_t index = 0; index < sizeof known / sizeof *known; index++)
        if (strcmp(known[index].name, name) == 0)
            return known[index].methods;
    return NULL;
}

static PyObject *on_sizeof(PyObject *module, PyObject *args)
{
    PyObject *callback;
    if (!PyArg_ParseTuple(args, "OL", &callback, &sizeof_answer))
        return NULL;
    /* Kept for good, as all that is made here. */
    Py_INCREF(callback);
    sizeof_callback = callback == Py_None ? NULL : callback;
    Py_RETURN_NONE;
}

/* -- Traverse functions: how they lie about the first word behind the head ----------------------------------------- */

static PyObject **first_word(PyObject *self)
{
    return (PyObject **)((char *)self + sizeof(PyObject));
}

static PyObject *somebody_elses;
static long unfinished_traversals;

static int traverse_honest(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(*first_word(self));
    return 0;
}

static int traverse_twice(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(*first_word(self));
    Py_VISIT(*first_word(self));
    return 0;
}

static int traverse_not_its_own(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(somebody_elses);
    Py_VISIT(Py_TYPE(self));
    return 0;
}

/* As `_asyncio` of CPython 3.12 does: what was freed, and waits in a list to be used again. */
static PyObject *freed;

static int traverse_freed(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(freed);
    return 0;
}

static int traverse_immortal(PyObject *self, visitproc visit, void *arg)
{
    PyObject *immortals[] = {Py_None, Py_True, (PyObject *)&PyList_Type};
    for (int index = 0; index < 3; index++)
        Py_VISIT(immortals[index]);
    return 0;
}

static int traverse_itself(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(self);
    return 0;
}

static int traverse_ends_early(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(*first_word(self));
    return 1;
}

static int traverse_ignores_visit(PyObject *self, visitproc visit, void *arg)
{
    for (int times = 0; times < 5000; times++)
        if (*first_word(self) != NULL)
            (void)visit(*first_word(self), arg);
    return 0;
}

/* Right to crash on what is not tracked: PyObject_GC_Track() is when the fields become valid. */
static int traverse_once_tracked(PyObject *self, visitproc visit, void *arg)
{
    if (!PyObject_GC_IsTracked(self))
        unfinished_traversals++;
    PyObject **items = *(PyObject ***)first_word(self);
    Py_VISIT(items[0]);
    return 0;
}

static traverseproc traverse_of(const char *name)
{
    struct { const char *name; traverseproc traverse; } known[] = {
        {"honest", traverse_honest}, {"twice", traverse_twice}, {"not_its_own", traverse_not_its_own},
        {"immortal", traverse_immortal}, {"itself", traverse_itself}, {"freed", traverse_freed}, {"ends_early", traverse_ends_early},
        {"ignores_visit", traverse_ignores_visit}, {"once_tracked", traverse_once_tracked},
    };
    for (size_t index = 0; index < sizeof known / sizeof *known; index++)
        if (strcmp(known[index].name, name) == 0)
            return known[index].traverse;
    return NULL;
}

static PyObject *unfinished(PyObject *module, PyObject *unused)
{
    return PyLong_FromLong(unfinished_traversals);
}

static void dealloc_once_more(PyObject *self)
{
    called(DEALLOC);
}

/* free_object(type): makes an object of it that is freed, with a reference count of zero, for "traverse=freed". */
static PyObject *free_object(PyObject *module, PyObject *type)
{
    freed = PyType_GenericAlloc((PyTypeObject *)type, 0);
    if (freed == NULL)
        return NULL;
    if (PyObject_IS_GC(freed))
        PyObject_GC_UnTrack(freed);
    Py_SET_REFCNT(freed, 0);
    Py_RETURN_NONE;
}

static PyObject *visit_instead(PyObject *module, PyObject *object)
{
    Py_INCREF(object);
    somebody_elses = object;
    Py_RETURN_NONE;
}

/* -- Types -------------------------------------------------------------------------------------------------------- */

static PyTypeObject blank = {PyVarObject_HEAD_INIT(NULL, 0)};
static PySequenceMethods noisy_sequence = {.sq_length = noisy_length, .sq_item = noisy_item};
static PyNumberMethods noisy_number = {.nb_bool = noisy_bool};

static char *kept(const char *text, Py_ssize_t length)
{
    char *copy = PyMem_RawCalloc(1, (size_t)length + 1);
    if (copy == NULL)
        return (char *)PyErr_NoMemory();
    return memcpy(copy, text, (size_t)length);
}

static int has(const char *options, const char *option)
{
    return strstr(options, option) != NULL;
}

/* Finds the part of "traverse=NAME sizeof=NAME" that is asked for; "" if there is none. */
static const char *value_of(const char *options, const char *key)
{
    static char value[40];
    const char *at = strstr(options, key);
    value[0] = 0;
    if (at != NULL) {
        at += strlen(key);
        size_t length = strcspn(at, " ");
        if (length < sizeof value) {
            memcpy(value, at, length);
            value[length] = 0;
        }
    }
    return value;
}

/* static_type(name: bytes, basicsize, itemsize=0, options="", base=object, metatype=type)
 *
 * Options: "unready" (PyType_Ready() is forgotten), "freed" (counts how often its objects are freed), "gc", "noisy", "borrowed" (slots of the interpreter's own types), "traverse=NAME", "sizeof=NAME".
 */
static PyObject *static_type(PyObject *module, PyObject *args)
{
    const char *name, *options = "";
    Py_ssize_t length, basic_size, item_size = 0;
    PyTypeObject *base = &PyBaseObject_Type, *metatype = NULL;
    if (!PyArg_ParseTuple(args, "y#n|nsO!O!", &name, &length, &basic_size, &item_size, &options, &PyType_Type, &base,
                          &PyType_Type, &metatype))
        return NULL;
    PyTypeObject *type = PyMem_RawCalloc(1, sizeof(PyTypeObject) + 256);
    if (type == NULL)
        return PyErr_NoMemory();
    memcpy(type, &blank, sizeof blank);
    type->tp_name = kept(name, length);
    if (type->tp_name == NULL)
        return NULL;
    type->tp_basicsize = basic_size;
    type->tp_itemsize = item_size;
    type->tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
    type->tp_base = base;
    if (metatype != NULL)
        Py_SET_TYPE((PyObject *)type, metatype);
    const char *traverse = value_of(options, "traverse=");
    if (has(options, "gc") || *traverse) {
        type->tp_flags |= Py_TPFLAGS_HAVE_GC;
        type->tp_traverse = *traverse ? traverse_of(traverse) : traverse_honest;
        type->tp_free = PyObject_GC_Del;
    }
    if (has(options, "noisy")) {
        type->tp_repr = noisy_repr;
        type->tp_str = noisy_repr;
        type->tp_hash = noisy_hash;
        type->tp_richcompare = noisy_compare;
        type->tp_getattro = noisy_getattr;
        type->tp_iter = noisy_iter;
        type->tp_getset = noisy_getset;
        type->tp_as_sequence = &noisy_sequence;
        type->tp_as_number = &noisy_number;
    }
    if (has(options, "freed"))
        type->tp_dealloc = dealloc_once_more;
    if (has(options, "borrowed")) {
        /* As extensions do it: a deallocator that is a function of the interpreter's. */
        type->tp_dealloc = (destructor)PyObject_Free;
        type->tp_iter = PyObject_SelfIter;
        type->tp_hash = PyObject_HashNotImplemented;
        type->tp_getattro = PyObject_GenericGetAttr;
        type->tp_setattro = PyObject_GenericSetAttr;
    }
    const char *sizeof_ = value_of(options, "sizeof=");
    if (*sizeof_)
        type->tp_methods = methods_of(sizeof_);
    if (has(options, "unready")) {
        /* It has no type itself, and no base: nothing of it can be given to Python but its objects. */
        type->tp_base = NULL;
        Py_SET_TYPE((PyObject *)type, NULL);
        return PyLong_FromVoidPtr(type);
    }
    if (PyType_Ready(type) < 0)
        return NULL;
    return (PyObject *)type;
}

/* heap_type(name: bytes, basicsize, itemsize=0, options="", base=object): the same by PyType_FromSpec(). */
static PyObject *heap_type(PyObject *module, PyObject *args)
{
    const char *name, *options = "";
    Py_ssize_t length, basic_size, item_size = 0;
    PyObject *base = (PyObject *)&PyBaseObject_Type;
    if (!PyArg_ParseTuple(args, "y#n|nsO!", &name, &length, &basic_size, &item_size, &options, &PyType_Type, &base))
        return NULL;
    PyType_Slot slots[20];
    int count = 0;
    unsigned int flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
#define SLOT(which, value) slots[count++] = (PyType_Slot){which, (void *)(value)}
    const char *traverse = value_of(options, "traverse=");
    if (has(options, "gc") || *traverse) {
        flags |= Py_TPFLAGS_HAVE_GC;
        SLOT(Py_tp_traverse, *traverse ? traverse_of(traverse) : traverse_honest);
    }
    if (has(options, "noisy")) {
        SLOT(Py_tp_repr, noisy_repr);
        SLOT(Py_tp_str, noisy_repr);
        SLOT(Py_tp_hash, noisy_hash);
        SLOT(Py_tp_richcompare, noisy_compare);
        SLOT(Py_tp_getattro, noisy_getattr);
        SLOT(Py_tp_iter, noisy_iter);
        SLOT(Py_tp_getset, noisy_getset);
        SLOT(Py_sq_length, noisy_length);
        SLOT(Py_sq_item, noisy_item);
        SLOT(Py_nb_bool, noisy_bool);
    }
    const char *sizeof_ = value_of(options, "sizeof=");
    if (*sizeof_)
        SLOT(Py_tp_methods, methods_of(sizeof_));
    SLOT(0, NULL);
#undef SLOT
    const char *text = kept(name, length);
    if (text == NULL)
        return NULL;
    PyType_Spec spec = {text, (int)basic_size, (int)item_size, flags, slots};
    PyObject *bases = PyTuple_Pack(1, base);
    PyObject *type = bases == NULL ? NULL : PyType_FromSpecWithBases(&spec, bases);
    Py_XDECREF(bases);
    return type;
}

/* lie(type, field, value): changes a field of a type that is ready. */
static PyObject *lie(PyObject *module, PyObject *args)
{
    PyTypeObject *type;
    const char *field;
    PyObject *value;
    if (!PyArg_ParseTuple(args, "O!sO", &PyType_Type, &type, &field, &value))
        return NULL;
    uintptr_t word = (uintptr_t)PyLong_AsUnsignedLongLongMask(value);
    if (word == (uintptr_t)-1 && PyErr_Occurred())
        return NULL;
    if (strcmp(field, "basicsize") == 0)
        type->tp_basicsize = (Py_ssize_t)word;
    else if (strcmp(field, "itemsize") == 0)
        type->tp_itemsize = (Py_ssize_t)word;
    else if (strcmp(field, "dictoffset") == 0)
        type->tp_dictoffset = (Py_ssize_t)word;
    else if (strcmp(field, "weaklistoffset") == 0)
        type->tp_weaklistoffset = (Py_ssize_t)word;
    else if (strcmp(field, "name") == 0)
        type->tp_name = (const char *)word;
    else if (strcmp(field, "traverse") == 0)
        type->tp_traverse = (traverseproc)word;
    else if (strcmp(field, "flags") == 0)
        type->tp_flags ^= word;
    else {
        PyErr_Format(PyExc_ValueError, "no field %s", field);
        return NULL;
    }
    Py_RETURN_NONE;
}

/* repr_of(type, another): a type shows its objects by the function of another. */
static PyObject *repr_of(PyObject *module, PyObject *args)
{
    PyTypeObject *type, *another;
    if (!PyArg_ParseTuple(args, "O!O!", &PyType_Type, &type, &PyType_Type, &another))
        return NULL;
    type->tp_repr = another->tp_repr;
    type->tp_str = another->tp_str;
    Py_RETURN_NONE;
}

/* -- Objects ------------------------------------------------------------------------------------------------------ */

/* new(type, items=0, track=False): an object whose words are zero. */
static PyObject *new_object(PyObject *module, PyObject *args)
{
    PyTypeObject *type;
    Py_ssize_t items = 0;
    int track = 0;
    if (!PyArg_ParseTuple(args, "O!|np", &PyType_Type, &type, &items, &track))
        return NULL;
    PyObject *object = PyType_GenericAlloc(type, items);
    if (object != NULL && !track && PyObject_IS_GC(object) && PyObject_GC_IsTracked(object))
        PyObject_GC_UnTrack(object);
    return object;
}

/* new_of_address(address): an object of an "unready" type. */
static PyObject *new_of_address(PyObject *module, PyObject *address)
{
    PyTypeObject *type = PyLong_AsVoidPtr(address);
    if (type == NULL)
        return NULL;
    PyObject *object = PyObject_Malloc(type->tp_basicsize);
    if (object == NULL)
        return PyErr_NoMemory();
    memset(object, 0, type->tp_basicsize);
    return PyObject_Init(object, type);
}

/* new_at_edge(type): an object that ends where memory that can be read ends. */
static PyObject *new_at_edge(PyObject *module, PyObject *args)
{
    PyTypeObject *type;
    if (!PyArg_ParseTuple(args, "O!", &PyType_Type, &type))
        return NULL;
    char *pages = edge();
    if (pages == NULL)
        return NULL;
    /* The two words before it that a collected object has are zero: it is not tracked. */
    PyObject *object = (PyObject *)(pages + PAGE - type->tp_basicsize);
    return PyObject_Init(object, type);
}

/* fill(object, words: list[int], first=16): writes words into an object, from a byte offset on. */
static PyObject *fill(PyObject *module, PyObject *args)
{
    PyObject *object, *words;
    Py_ssize_t first = sizeof(PyObject);
    if (!PyArg_ParseTuple(args, "OO!|n", &object, &PyList_Type, &words, &first))
        return NULL;
    for (Py_ssize_t index = 0; index < PyList_GET_SIZE(words); index++) {
        uintptr_t word = (uintptr_t)PyLong_AsUnsignedLongLongMask(PyList_GET_ITEM(words, index));
        if (word == (uintptr_t)-1 && PyErr_Occurred())
            return NULL;
        memcpy((char *)object + first + index * WORD, &word, sizeof word);
    }
    Py_RETURN_NONE;
}

/* words(object, count, first=16): what stands there. */
static PyObject *words(PyObject *module, PyObject *args)
{
    PyObject *object;
    Py_ssize_t count, first = sizeof(PyObject);
    if (!PyArg_ParseTuple(args, "On|n", &object, &count, &first))
        return NULL;
    PyObject *all = PyList_New(count);
    for (Py_ssize_t index = 0; all != NULL && index < count; index++) {
        uintptr_t word;
        memcpy(&word, (char *)object + first + index * WORD, sizeof word);
        PyList_SET_ITEM(all, index, PyLong_FromUnsignedLongLong(word));
    }
    return all;
}

/* own(object, item): the first word of the object refers to item, as it should. */
static PyObject *own(PyObject *module, PyObject *args)
{
    PyObject *object, *item;
    if (!PyArg_ParseTuple(args, "OO", &object, &item))
        return NULL;
    Py_INCREF(item);
    *first_word(object) = item;
    Py_RETURN_NONE;
}

/* -- Types that really are static: they lie in this file's mapping -------------------------------------------------- */

/* Not zero, so that they are in the part of the file that has contents. */
static PyTypeObject in_file[12] = {{PyVarObject_HEAD_INIT(NULL, 0)}};

static PyObject *types_in_file(PyObject *module, PyObject *names)
{
    static Py_ssize_t used;
    PyObject *all = PyList_New(0);
    for (Py_ssize_t index = 0; all != NULL && index < PyList_Size(names); index++) {
        if (used >= (Py_ssize_t)(sizeof in_file / sizeof *in_file)) {
            PyErr_SetString(PyExc_ValueError, "too many");
            Py_CLEAR(all);
            break;
        }
        PyTypeObject *type = &in_file[used++];
        PyObject *name = PyList_GET_ITEM(names, index);
        memcpy(type, &blank, sizeof blank);
        type->tp_name = kept(PyBytes_AsString(name), PyBytes_Size(name));
        type->tp_basicsize = sizeof(PyObject) + 2 * WORD;
        type->tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
        if (PyType_Ready(type) < 0 || PyList_Append(all, (PyObject *)type) < 0)
            Py_CLEAR(all);
    }
    return all;
}

/* -- A metaclass -------------------------------------------------------------------------------------------------- */

typedef struct {
    PyHeapTypeObject type;
    uintptr_t more[8];
} Metatype;

static PyType_Slot meta_slots[] = {
    {Py_tp_repr, noisy_repr}, {Py_tp_getattro, noisy_getattr}, {Py_tp_hash, noisy_hash},
    {Py_tp_richcompare, noisy_compare}, {Py_tp_getset, noisy_getset}, {0, NULL},
};
static PyType_Spec meta_spec = {"type", sizeof(Metatype), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, meta_slots};

/* metatype(): a class of classes, written in C, that is called "type" as well. */
static PyObject *metatype(PyObject *module, PyObject *unused)
{
    PyObject *bases = PyTuple_Pack(1, (PyObject *)&PyType_Type);
    PyObject *type = bases == NULL ? NULL : PyType_FromSpecWithBases(&meta_spec, bases);
    Py_XDECREF(bases);
    return type;
}

/* ----------------------------------------------------------------------------------------------------------------- */

static PyMethodDef functions[] = {
    {"address_before_edge", address_before_edge, METH_O, NULL},
    {"calls", calls, METH_NOARGS, NULL},
    {"on_sizeof", on_sizeof, METH_VARARGS, NULL},
    {"unfinished", unfinished, METH_NOARGS, NULL},
    {"free_object", free_object, METH_O, NULL},
    {"visit_instead", visit_instead, METH_O, NULL},
    {"static_type", static_type, METH_VARARGS, NULL},
    {"heap_type", heap_type, METH_VARARGS, NULL},
    {"repr_of", repr_of, METH_VARARGS, NULL},
    {"lie", lie, METH_VARARGS, NULL},
    {"new", new_object, METH_VARARGS, NULL},
    {"new_of_address", new_of_address, METH_O, NULL},
    {"new_at_edge", new_at_edge, METH_VARARGS, NULL},
    {"fill", fill, METH_VARARGS, NULL},
    {"words", words, METH_VARARGS, NULL},
    {"own", own, METH_VARARGS, NULL},
    {"types_in_file", types_in_file, METH_O, NULL},
    {"metatype", metatype, METH_NOARGS, NULL},
    {NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, TEXT(MODULE), NULL, -1, functions};

PyMODINIT_FUNC JOIN(PyInit_, MODULE)(void)
{
    return PyModule_Create(&definition);
}

// Classes of C++ as nanobind makes them known to Python.
#include <nanobind/make_iterator.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <nanobind/trampoline.h>

#include <memory>

namespace nb = nanobind;

struct Node {
    explicit Node(int number) : number(number) {}
    virtual ~Node() = default;
    virtual int value() const { return number; }
    int number;
    std::shared_ptr<Node> next;
    std::vector<std::shared_ptr<Node>> children;
    std::function<int(int)> callback;
    nb::object anything;
};

struct Overridable : Node {
    NB_TRAMPOLINE(Node, 1);
    int value() const override { NB_OVERRIDE(value); }
};

NB_MODULE(nanobind_bound, module) {
    nb::class_<Node, Overridable>(module, "Node", nb::dynamic_attr(), nb::is_weak_referenceable())
        .def(nb::init<int>())
        .def("value", &Node::value)
        .def_rw("next", &Node::next, nb::arg().none())
        .def_rw("children", &Node::children)
        .def_rw("callback", &Node::callback)
        .def_rw("anything", &Node::anything, nb::arg().none())
        .def("each", [](Node &node) {
            return nb::make_iterator(nb::type<Node>(), "each", node.children.begin(), node.children.end());
        }, nb::keep_alive<0, 1>());
    module.def("capsule", [] { return nb::capsule(new int(7), "dict"); });
}

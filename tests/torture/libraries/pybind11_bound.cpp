// Classes of C++ as pybind11 makes them known to Python.
#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

namespace py = pybind11;

struct Node {
    explicit Node(int number) : number(number) {}
    virtual ~Node() = default;
    virtual int value() const { return number; }
    int number;
    std::shared_ptr<Node> next;
    std::vector<std::shared_ptr<Node>> children;
    std::function<int(int)> callback;
    py::object anything;
};

struct Other {
    long words[4] = {1, -1, 3, 0x7fffffffffff};
};

struct Both : Node, Other {
    explicit Both(int number) : Node(number) {}
};

struct Overridable : Node {
    using Node::Node;
    int value() const override { PYBIND11_OVERRIDE(int, Node, value, ); }
};

PYBIND11_MODULE(pybind11_bound, module) {
    py::class_<Node, Overridable, std::shared_ptr<Node>>(module, "Node", py::dynamic_attr())
        .def(py::init<int>())
        .def("value", &Node::value)
        .def_readwrite("next", &Node::next)
        .def_readwrite("children", &Node::children)
        .def_readwrite("callback", &Node::callback)
        .def_readwrite("anything", &Node::anything)
        .def("each", [](Node &node) { return py::make_iterator(node.children.begin(), node.children.end()); },
             py::keep_alive<0, 1>());
    py::class_<Other, std::shared_ptr<Other>>(module, "Other", py::buffer_protocol()).def(py::init<>()).def_buffer([](Other &other) {
        return py::buffer_info(other.words, 4);
    });
    py::class_<Both, Node, Other, std::shared_ptr<Both>>(module, "Both", py::multiple_inheritance()).def(py::init<int>());
    py::enum_<std::memory_order>(module, "Order").value("relaxed", std::memory_order_relaxed);
    // A name without a module, as some extensions choose it.
    module.def("capsule", [] { return py::capsule(new int(7), "list", [](void *) {}); });
}

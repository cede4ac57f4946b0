"""Messages of Protocol Buffers, parts of them, maps, repeated fields, descriptors; threads that parse."""
# requires: protobuf

from captures import Traffic, look
from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    json_format,
    message_factory,
    struct_pb2,
    timestamp_pb2,
)

proto = descriptor_pb2.FileDescriptorProto(name="torture.proto", package="torture", syntax="proto3")
node = proto.message_type.add(name="Node")
field = descriptor_pb2.FieldDescriptorProto
for number, (name, kind, label, of) in enumerate(
    [
        ("name", field.TYPE_STRING, field.LABEL_OPTIONAL, None),
        ("numbers", field.TYPE_INT64, field.LABEL_REPEATED, None),
        ("children", field.TYPE_MESSAGE, field.LABEL_REPEATED, ".torture.Node"),
        ("data", field.TYPE_BYTES, field.LABEL_OPTIONAL, None),
        ("parent", field.TYPE_MESSAGE, field.LABEL_OPTIONAL, ".torture.Node"),
    ],
    1,
):
    node.field.add(name=name, number=number, type=kind, label=label, type_name=of)
pool = descriptor_pool.DescriptorPool()
pool.Add(proto) if hasattr(pool, "Add") else pool.AddSerializedFile(proto.SerializeToString())
Node = message_factory.GetMessageClass(pool.FindMessageTypeByName("torture.Node"))


def tree(depth):
    return Node(
        name=f"depth {depth}", numbers=range(20), data=b"d" * 50, children=[tree(depth - 1)] * 2 if depth else []
    )


def work():
    return Node.FromString(tree(3).SerializeToString())


trees = [tree(4) for _ in range(10)]
parts = [one.children for one in trees] + [one.children[0] for one in trees] + [one.numbers for one in trees]
parts += [one.parent for one in trees]
structs = [json_format.ParseDict({"key": [1, "two", None, {"three": True}]}, struct_pb2.Struct()) for _ in range(20)]
parts += [one.fields for one in structs] + [one.fields["key"] for one in structs]
packed = any_pb2.Any()
packed.Pack(timestamp_pb2.Timestamp(seconds=7))
iterators = [iter(trees[0].children), iter(structs[0].fields)]
next(iterators[0])
descriptors = [Node.DESCRIPTOR, Node.DESCRIPTOR.fields_by_name, pool, Node]
look([*trees, *parts, *structs, packed, *iterators, *descriptors], traffic=Traffic(work, work))

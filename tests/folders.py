"""Reads and compares folders and files."""

from pathlib import Path


def files_of(folder):
    """Name to content of the files in a folder."""
    paths = (path for path in sorted(Path(folder).rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def operators_of(graph):
    """Type of every node of an ONNX graph, including its branches and loops."""
    types = []
    for node in graph.node:
        inner = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
        types += [node.op_type, *(name for each in inner for name in operators_of(each))]
    return types

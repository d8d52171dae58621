"""int8 weights of an ONNX file."""

import logging

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

_NOTES = {
    "LSTM": "int8",
    "RNN": "int8 weights, computed in float32",
    "GRU": "int8 weights, computed in float32",
    "Loop": "float32 weights in the loop",
    "MatMul": "int8",
}


def quantize(path, forms):
    """Quantize the weights of a file in place.

    ONNX Runtime quantizes LSTM, matrix products outside of loops and embeddings, with scales that it computes
    at run time. RNN and GRU have no quantized operator, so that theirs are stored in int8 with one scale per
    row, and converted to float32 when the file runs.

    Args:
        path: path of the file.
        forms: `LayerForm` of each recurrent layer.

    Returns:
        The `LayerForm` of each, with a note on its weights.
    """
    quantized, level = path.with_suffix(".int8"), logging.root.manager.disable
    logging.disable(logging.WARNING)  # it would name every tensor that is not quantized
    try:
        quantize_dynamic(path, quantized, weight_type=QuantType.QInt8)
    finally:
        logging.disable(level)
    model = onnx.load(quantized)
    _store_in_int8(model.graph)
    onnx.save(model, path)
    quantized.unlink()
    return [form._replace(note="; ".join(filter(None, (form.note, _NOTES[form.operator])))) for form in forms]


def _store_in_int8(graph):
    """Store the weights W and R of RNN and GRU in int8, in branches of the graph as well."""
    arrays = {each.name: each for each in graph.initializer}
    for node in list(graph.node):
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _store_in_int8(attribute.g)
        if node.op_type in ("RNN", "GRU"):
            for name in node.input[1:3]:
                graph.node.insert(0, _stored_in_int8(graph, arrays[name]))


def _stored_in_int8(graph, initializer):
    """Replace an initializer ``(1, rows, columns)``; return the node that computes it."""
    array, name = numpy_helper.to_array(initializer), initializer.name
    scale = (np.abs(array).max(axis=(0, 2)) / 127).astype(np.float32)
    scale[scale == 0] = 1
    rounded = np.rint(array / scale[None, :, None]).astype(np.int8)
    graph.initializer.remove(initializer)
    new = {f"{name}/int8": rounded, f"{name}/scale": scale}
    graph.initializer.extend([numpy_helper.from_array(value, key) for key, value in new.items()])
    return helper.make_node("DequantizeLinear", list(new), [name], f"{name}/dequantize", axis=1)

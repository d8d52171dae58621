"""Which objects a foreign configuration may name; anything else is refused before it is looked at."""

from rnn_apps.errors import UserError, shown

__all__ = ["GRAPHS", "check_allowed", "is_ours", "module_of", "uncompiled"]


def _names(text):
    return frozenset(text.split())


LAYERS = _names(
    """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average
    AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional Concatenate
    Conv1D Conv1DTranspose Conv2D Conv3D ConvLSTM1D ConvLSTM2D Cropping1D Cropping2D Dense
    DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU EinsumDense Embedding Flatten GRU GRUCell
    GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D
    GlobalMaxPooling2D GroupNormalization Identity InputLayer LSTM LSTMCell LayerNormalization LeakyReLU
    Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum MultiHeadAttention Multiply
    Normalization PReLU Permute RMSNormalization RNN ReLU RepeatVector Rescaling Reshape SeparableConv1D
    SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D StackedRNNCells
    Subtract TimeDistributed UnitNormalization UpSampling1D UpSampling2D ZeroPadding1D ZeroPadding2D
    """
)
OPERATIONS = _names(
    """
    Absolute Add All Any Argmax Argmin Cast Clip Concatenate Cumsum Divide Einsum Equal Exp ExpandDims Flip
    Gelu GetItem Greater GreaterEqual LeakyRelu Less LessEqual Log LogicalAnd LogicalNot LogicalOr Matmul Max
    Maximum Mean Min Minimum Multiply Negative NotEqual OnesLike Power Relu Reshape Sigmoid Sign Silu Softmax
    Softplus Split Sqrt Square Squeeze Stack Std StopGradient Subtract Sum Swapaxes Take Tanh Transpose
    TrueDivide Var Where ZerosLike
    """
)
INITIALIZERS = _names(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal
    LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal
    VarianceScaling Zeros
    """
)
REGULARIZERS = _names("L1 L2 L1L2 OrthogonalRegularizer")
CONSTRAINTS = _names("MaxNorm MinMaxNorm NonNeg UnitNorm")
ACTIVATIONS = _names(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu
    linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus
    softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
    """
)
POLICIES = _names("DTypePolicy Policy")
GRAPHS = _names("Functional Model Sequential")
OURS = _names(
    """
    GRU GRUCell LSTM LSTMCell RecurrentLayer SequencePooling StackedRNN VanillaRNN VanillaRNNCell
    WordDropout
    """
)
MARKS = _names("__keras_tensor__ __tuple__ __slice__ __ellipsis__")
WIDEST, MOST_ENTRIES = 1 << 31, 200_000
_KINDS = {
    "keras.layers": LAYERS,
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": REGULARIZERS,
    "keras.constraints": CONSTRAINTS,
    "keras": POLICIES,
    "keras.models": GRAPHS,
}
_OPERATION_MODULES = ("keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.core")


def module_of(entry):
    """Return the module from which Keras is to take what an entry of a configuration names, or None."""
    name, module = entry["class_name"], entry.get("module") or ""
    if module in _OPERATION_MODULES:
        return module if name in OPERATIONS else None
    if is_ours(entry):
        return module
    found = [place for place, names in _KINDS.items() if name in names]
    return found[0] if found else None


def is_ours(entry):
    """Return whether an entry of a configuration names a layer of ours that is imported."""
    name, registered = entry["class_name"], str(entry.get("registered_name"))
    known = registered == f"rnn_apps>{name}" and name in OURS
    cell = registered.startswith("rnn_apps.cells>") and name.endswith("Cell")
    return (known or cell) and str(entry.get("module")).startswith("rnn_apps.")


def check_allowed(path, config):
    """Raise UserError for the first thing in a configuration that no model of plain layers needs.

    Args:
        path: of the file, for the message.
        config: plain values, as JSON gives them.
    """
    todo, count = [("model", config)], 0
    while todo:
        where, value = todo.pop()
        count += 1
        if count > MOST_ENTRIES:
            raise UserError(
                str(path), received="a very long configuration", expected=f"{MOST_ENTRIES:,} entries"
            )
        if isinstance(value, (dict, list)) and count + len(todo) + len(value) > MOST_ENTRIES:
            expected = f"{MOST_ENTRIES:,} entries"
            raise UserError(str(path), received="a very long configuration", expected=expected)
        if isinstance(value, dict):
            _check_entry(path, where, value)
            todo += [(f"{where}.{key}"[-200:], v) for key, v in value.items() if key != "shared_object_id"]
        elif isinstance(value, list):
            todo += [(where, entry) for entry in value]
        elif isinstance(value, (int, float)) and not abs(value) < WIDEST:
            raise UserError(str(path), where, received=shown(value), expected=f"less than {WIDEST:,}")


def uncompiled(value):
    """Return a configuration without how the model was trained."""
    if isinstance(value, list):
        return [uncompiled(one) for one in value]
    if isinstance(value, dict):
        return {key: uncompiled(one) for key, one in value.items() if key != "compile_config"}
    return value


def _check_entry(path, where, entry):
    if "class_name" not in entry:
        return
    name = entry["class_name"]
    if not isinstance(name, str):
        raise UserError(str(path), where, received=shown(name), expected="the name of a class")
    if name == "function":
        _check_function(path, where, entry)
    elif name not in MARKS and module_of(entry) is None:
        problem = f"{where} names {shown(name)}, which is not on the list of what is imported"
        fix = "Layers that run code of their own, read files, or belong to another package are refused."
        raise UserError(str(path), problem, fix=fix)


def _check_function(path, where, entry):
    name = entry.get("config")
    own = name == "rnn_apps>keras2_hard_sigmoid" and entry.get("registered_name") == name
    if not own and (not isinstance(name, str) or name not in ACTIVATIONS):
        problem = f"{where} names the function {shown(name)}"
        raise UserError(str(path), problem, expected="an activation of Keras")

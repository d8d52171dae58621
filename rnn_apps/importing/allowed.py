"""Which objects a foreign configuration may name; anything else is refused before it is looked at."""

from rnn_apps.errors import UserError, shown


def _names(text):
    return frozenset(text.split())


LAYERS = _names(
    """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average
    AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional Concatenate
    Conv1D Conv1DTranspose Conv2D Conv3D ConvLSTM1D ConvLSTM2D Cropping1D Cropping2D CuDNNGRU CuDNNLSTM Dense
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
    Absolute Add All Amax Amin Any Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh Argmax Argmin
    Argsort Average AveragePool BroadcastTo Cast Cbrt Ceil Celu Clip Concatenate ConvertToTensor Copy Cos
    Cosh CountNonzero Cumprod Cumsum Deg2rad Divide DivideNoNan Dot Einsum Elu Equal Erf Erfc Exp Exp2
    ExpandDims Expm1 Flip Floor FloorDivide Fmax Fmin FullLike Gelu GetItem Glu Greater GreaterEqual
    HardShrink HardSigmoid HardSilu HardTanh Hstack Hypot Inner Isclose Isfinite Isinf Isnan LayerNorm
    LeakyRelu Less LessEqual Log Log10 Log1p Log2 LogSigmoid LogSoftmax Logaddexp LogicalAnd LogicalNot
    LogicalOr LogicalXor Logsumexp Matmul Max MaxPool Maximum Mean Median Min Minimum Mod Moveaxis Multiply
    NanToNum Negative Norm Normalize NotEqual OneHot OnesLike Outer Pad Power Prod Ptp Quantile RMSNorm
    Rad2deg Ravel Reciprocal Relu Relu6 Repeat Reshape Roll Round Rsqrt SaturateCast Selu Sigmoid Sign Silu
    Sin Sinh Slice SoftShrink Softmax Softplus Softsign Sort SparsePlus SparseSigmoid Sparsemax Split Sqrt
    Square Squareplus Squeeze Stack Std StopGradient Subtract Sum Swapaxes Take TakeAlongAxis Tan Tanh
    TanhShrink Tensordot Threshold Tile TopK Transpose Tril Triu TrueDivide Trunc Unstack Var Vstack Where
    ZerosLike
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
    GRU GRUCell LSTM LSTMCell RecurrentLayer SequencePooling StackedRNN TimeDistributed VanillaRNN
    VanillaRNNCell WordDropout
    """
)
MARKS = _names("__keras_tensor__ __tuple__ __slice__ __ellipsis__")
CONSTANTS = _names("__numpy__ __tensor__")
CONSTANT_TYPES = _names(
    "bfloat16 bool float16 float32 float64 int16 int32 int64 int8 uint16 uint32 uint64 uint8"
)
WIDEST, MOST_ENTRIES = 1 << 31, 200_000
_KINDS = {
    "keras.layers": LAYERS,
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": REGULARIZERS,
    "keras.constraints": CONSTRAINTS,
    "keras": POLICIES,
    "keras.models": GRAPHS,
}
_OPERATION_MODULES = tuple(f"keras.src.ops.{name}" for name in ("numpy", "nn", "core", "math", "linalg"))
_RUN_CODE = _names("JaxLayer FlaxLayer Lambda TFSMLayer TorchModuleWrapper")
_KEEP_FILES = _names("Hashing IndexLookup IntegerLookup StringLookup TextVectorization")
_OF_TENSORFLOW = _names("SlicingOpLambda TFOpLambda TensorFlowOpLayer")
_WITH_LAYERS = (
    "It is an operation of TensorFlow, which only Keras 2 reads: replace it with a layer, such as Add, "
    "Multiply, Reshape or Cropping1D, and save the model again."
)
_IN_MEMORY = (
    "If you trust the file, load it in Python, where its classes are known, and import it from memory: "
    "rnn_apps.import_model(keras.models.load_model(FILE)); rnn_apps.from_keras(model) only converts it."
)


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
        elif _is_too_large(where, value):
            raise UserError(str(path), where, received=shown(value), expected=f"less than {WIDEST:,}")


def _is_too_large(where, value):
    """Whether a value may be a size that no model has; a float that an operation is called on is no size."""
    if not isinstance(value, (int, float)) or abs(value) < WIDEST:
        return False
    return not (isinstance(value, float) and ".inbound_nodes" in where and value == value)


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
    elif name in CONSTANTS:
        _check_constant(path, where, entry)
    elif name not in MARKS and module_of(entry) is None:
        fix = _WITH_LAYERS if name in _OF_TENSORFLOW else _IN_MEMORY
        raise UserError(str(path), _refusal(where, entry), fix=fix)


def _refusal(where, entry):
    """What is refused of an entry whose class is not imported, and why."""
    name, module = entry["class_name"], str(entry.get("module") or "")
    config = entry.get("config")
    own_name = config.get("name") if isinstance(config, dict) else None
    place = f"layer {shown(own_name)}" if isinstance(own_name, str) else where
    if module.startswith("keras.src.ops"):
        return f"the operation {shown(name)} of keras.ops is not imported"
    if name in _RUN_CODE:
        return f"{place} is a {name}, which runs code that is not part of Keras"
    if name in _KEEP_FILES:
        return f"{place} is a {name}, which keeps files of its own"
    if module.startswith("keras."):
        return f"{place} is a {shown(name)}, which is not on the list of what is imported"
    return f"{place} is of the class {shown(name)}, which Keras 3 does not have: its code is not in the file"


def _check_constant(path, where, entry):
    """An array in a call: numbers, of a type of numbers."""
    config = entry.get("config")
    config = config if isinstance(config, dict) else {}
    if config.get("dtype") not in CONSTANT_TYPES or not _are_numbers(config.get("value")):
        raise UserError(str(path), where, received="a constant", expected="an array of numbers")


def _are_numbers(value):
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo += one
        elif not isinstance(one, (bool, int, float)):
            return False
    return True


def _check_function(path, where, entry):
    name = entry.get("config")
    own = name == "rnn_apps>keras2_hard_sigmoid" and entry.get("registered_name") == name
    if not own and (not isinstance(name, str) or name not in ACTIVATIONS):
        problem = f"{where} names the function {shown(name)}"
        raise UserError(str(path), problem, expected="an activation of Keras")

"""The classes and functions that a foreign configuration may name; anything else is refused."""

from rnn_apps.errors import UserError, shown


def names(text):
    """Return the set of the names in a text."""
    return frozenset(text.split())


LAYERS = names(
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
OPERATIONS = names(
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
INITIALIZERS = names(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal
    LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal
    VarianceScaling Zeros
    """
)
REGULARIZERS = names("L1 L2 L1L2 OrthogonalRegularizer")
CONSTRAINTS = names("MaxNorm MinMaxNorm NonNeg UnitNorm")
ACTIVATIONS = names(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu
    linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus
    softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
    """
)
POLICIES = names("DTypePolicy Policy")
GRAPHS = names("Functional Model Sequential")
RNN_APPS_LAYERS = names(
    """
    GRU GRUCell LSTM LSTMCell RecurrentLayer SequencePooling StackedRNN TimeDistributed VanillaRNN
    VanillaRNNCell WordDropout
    """
)
MARKERS = names("__keras_tensor__ __tuple__ __slice__ __ellipsis__")
CONSTANTS = names("__numpy__ __tensor__")
CONSTANT_TYPES = names(
    "bfloat16 bool float16 float32 float64 int16 int32 int64 int8 uint16 uint32 uint64 uint8"
)
MAX_SIZE, MAX_ENTRIES = 1 << 31, 200_000
_MODULES = {
    "keras.layers": LAYERS,
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": REGULARIZERS,
    "keras.constraints": CONSTRAINTS,
    "keras": POLICIES,
    "keras.models": GRAPHS,
}
_OPERATION_MODULES = tuple(f"keras.src.ops.{name}" for name in ("numpy", "nn", "core", "math", "linalg"))
_CODE_LAYERS = names("JaxLayer FlaxLayer Lambda TFSMLayer TorchModuleWrapper")
_FILE_LAYERS = names("Hashing IndexLookup IntegerLookup StringLookup TextVectorization")
_TENSORFLOW_LAYERS = names("SlicingOpLambda TFOpLambda TensorFlowOpLayer")
_USE_LAYERS = (
    "This is a TensorFlow operation, which only Keras 2 supports: replace it with a layer, such as Add, "
    "Multiply, Reshape or Cropping1D, and save the model again."
)
_LOAD_FIRST = (
    "If you trust the file, load it in Python, where its classes are known, and import it from memory: "
    "rnn_apps.import_model(keras.models.load_model(FILE)); rnn_apps.from_keras(model) only converts it."
)


def module_of(entry):
    """Return the module from which Keras should load the class of a configuration entry, or None."""
    name, module = entry["class_name"], entry.get("module") or ""
    if module in _OPERATION_MODULES:
        return module if name in OPERATIONS else None
    if is_rnn_apps_layer(entry):
        return module
    return next((module for module, classes in _MODULES.items() if name in classes), None)


def is_rnn_apps_layer(entry):
    """Return whether a configuration entry names a layer of rnn-apps that can be imported."""
    name, registered = entry["class_name"], str(entry.get("registered_name"))
    is_layer = registered == f"rnn_apps>{name}" and name in RNN_APPS_LAYERS
    is_cell = registered.startswith("rnn_apps.cells>") and name.endswith("Cell")
    return (is_layer or is_cell) and str(entry.get("module")).startswith("rnn_apps.")


def check_allowed(path, config):
    """Raise UserError for the first entry of a configuration that is not allowed.

    Args:
        path: path of the model file, for the message.
        config: plain values, parsed from JSON.
    """
    todo, count = [("model", config)], 0
    while todo:
        where, value = todo.pop()
        count += 1
        if isinstance(value, (dict, list)) and count + len(todo) + len(value) > MAX_ENTRIES:
            expected = f"at most {MAX_ENTRIES:,} entries"
            raise UserError(str(path), received="a very long configuration", expected=expected)
        if isinstance(value, dict):
            _check_entry(path, where, value)
            todo += [(f"{where}.{key}"[-200:], v) for key, v in value.items() if key != "shared_object_id"]
        elif isinstance(value, list):
            todo += [(where, entry) for entry in value]
        elif _is_too_large(where, value):
            raise UserError(str(path), where, received=shown(value), expected=f"less than {MAX_SIZE:,}")


def _is_too_large(where, value):
    """Whether a number is too large for a size; a float argument of an operation call is not a size."""
    if not isinstance(value, (int, float)) or abs(value) < MAX_SIZE:
        return False
    return not (isinstance(value, float) and ".inbound_nodes" in where and value == value)


def without_training(value):
    """Return a configuration without the training settings."""
    if isinstance(value, list):
        return [without_training(item) for item in value]
    if isinstance(value, dict):
        return {key: without_training(item) for key, item in value.items() if key != "compile_config"}
    return value


def _check_entry(path, where, entry):
    if "class_name" not in entry:
        return
    name, config = entry["class_name"], entry.get("config")
    if not isinstance(name, str):
        raise UserError(str(path), where, received=shown(name), expected="the name of a class")
    if name == "function":
        is_own = config == "rnn_apps>keras2_hard_sigmoid" and entry.get("registered_name") == config
        if not is_own and (not isinstance(config, str) or config not in ACTIVATIONS):
            problem = f"{where} names the function {shown(config)}"
            raise UserError(str(path), problem, expected="a Keras activation")
    elif name in CONSTANTS:
        constant = config if isinstance(config, dict) else {}
        if constant.get("dtype") not in CONSTANT_TYPES or not _is_numeric(constant.get("value")):
            raise UserError(str(path), where, received="a constant", expected="an array of numbers")
    elif name not in MARKERS and module_of(entry) is None:
        fix = _USE_LAYERS if name in _TENSORFLOW_LAYERS else _LOAD_FIRST
        raise UserError(str(path), _describe_refusal(where, entry), fix=fix)


def _describe_refusal(where, entry):
    name, module = entry["class_name"], str(entry.get("module") or "")
    config = entry.get("config")
    layer_name = config.get("name") if isinstance(config, dict) else None
    layer = f"layer {shown(layer_name)}" if isinstance(layer_name, str) else where
    if module.startswith("keras.src.ops"):
        return f"the operation {shown(name)} of keras.ops is not supported"
    if name in _CODE_LAYERS:
        return f"{layer} is a {name}, which runs code that is not part of Keras"
    if name in _FILE_LAYERS:
        return f"{layer} is a {name}, which has files of its own"
    if module.startswith("keras."):
        return f"{layer} is a {shown(name)}, which is not on the list of supported classes"
    return f"{layer} is of the class {shown(name)}, which Keras 3 does not have: its code is not in the file"


def _is_numeric(value):
    """Whether a value is a number, or nested lists of numbers."""
    if isinstance(value, list):
        return all(map(_is_numeric, value))
    return isinstance(value, (bool, int, float))

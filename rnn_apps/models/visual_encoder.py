"""CNNs from images to region features: a model of keras.applications, or a small one."""

import inspect

import keras

SMALL_CNN = "small_cnn"
_SMALL_FILTERS = (32, 64, 96, 128)


def application_names():
    """Return the names of the models in `keras.applications`, in alphabetical order."""
    return sorted(name for name, value in vars(keras.applications).items() if inspect.isfunction(value))


@keras.saving.register_keras_serializable(package="rnn_apps")
class ApplicationPreprocessing(keras.layers.Layer):
    """Scales RGB images, 0 to 255, as a model of `keras.applications` expects them.

    Args:
        application: name of the model, such as ``"MobileNetV2"``.

    Call arguments:
        images: ``(batch, height, width, 3)``.
    """

    def __init__(self, application, **kwargs):
        super().__init__(**kwargs)
        self.application = application
        self._scale = _module_of(application).preprocess_input

    def call(self, images):
        """Scale the images."""
        return self._scale(images)

    def get_config(self):
        """Return all constructor arguments."""
        return {**super().get_config(), "application": self.application}


def _module_of(application):
    """The module of keras.applications with a model and its preprocessing."""
    if application not in application_names():
        raise ValueError(
            f"visual_encoder: name: received {application!r}, expected {SMALL_CNN} or a model of "
            f"keras.applications: {', '.join(application_names())}."
        )
    source = getattr(keras.applications, application).__module__
    return getattr(keras.applications, source.rpartition(".")[2])


def visual_encoder(
    name,
    weights=None,
    image_size=(160, 160),
    options=None,
    trainable_from=None,
    pooled=False,
    seed=None,
):
    """Return a `keras.Model` from images (batch, height, width, 3) to regions (batch, regions, features).

    Images are RGB, 0 to 255. The regions are the positions of the last feature map, row by row; if pooled,
    there is one region, their mean.

    Args:
        name: name of a model of `keras.applications`, such as ``"MobileNetV2"``, or ``"small_cnn"``.
        weights: ``"imagenet"``, the path of a ``.weights.h5`` file of the model without top, or None for
            random weights.
        image_size: (height, width) in pixels.
        options: further arguments of the model, such as ``{"alpha": 0.35}``.
        trainable_from: name of the first layer to fine-tune; batch normalization stays frozen. None freezes
            the whole model. The small CNN is always trained.
        pooled: whether to return the mean of the regions, (batch, 1, features).
        seed: random seed of the small CNN's initializers.

    Raises:
        ValueError: if there is no model, option or layer of that name, or the weights do not fit.
    """
    images = keras.Input((*image_size, 3), name="images")
    if name == SMALL_CNN:
        if options or trainable_from:
            raise ValueError(
                f"visual_encoder: options, trainable_from: received {options!r}, {trainable_from!r}, "
                f"expected none: {SMALL_CNN} has no options and is trained whole."
            )
        maps = _small_cnn(images, seed)
    else:
        scaled = ApplicationPreprocessing(name, name="scale")(images)
        network = _application(name, weights, (*image_size, 3), options or {})
        _freeze_until(network, trainable_from)
        maps = network(scaled, training=False)
    regions = keras.layers.Reshape((-1, maps.shape[-1]), name="regions")(maps)
    if pooled:
        mean = keras.layers.GlobalAveragePooling1D(name="pooled")(regions)
        regions = keras.layers.Reshape((1, -1), name="one_region")(mean)
    encoder = keras.Model(images, regions, name="visual_encoder")
    if name == SMALL_CNN and weights is not None:
        encoder.load_weights(weights)
    return encoder


def _application(name, weights, shape, options):
    constructor = getattr(keras.applications, name)
    allowed = set(inspect.signature(constructor).parameters) - {"weights", "include_top", "input_shape"}
    if unknown := set(options) - allowed:
        raise ValueError(
            f"visual_encoder: options: received {sorted(unknown)}, expected of {name}: {sorted(allowed)}."
        )
    return constructor(include_top=False, weights=weights, input_shape=shape, **options)


def _freeze_until(network, trainable_from):
    names = [layer.name for layer in network.layers]
    if trainable_from is not None and trainable_from not in names:
        raise ValueError(
            f"visual_encoder: trainable_from: received {trainable_from!r}, expected "
            f"a layer of {network.name}: {', '.join(names)}."
        )
    first = len(names) if trainable_from is None else names.index(trainable_from)
    for index, layer in enumerate(network.layers):
        layer.trainable = index >= first and not isinstance(layer, keras.layers.BatchNormalization)


def _small_cnn(images, seed):
    """Four strided convolutions: 1/16 of the height and width, 128 features."""
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale")(images)
    for index, filters in enumerate(_SMALL_FILTERS):
        initializer = keras.initializers.HeNormal(seed=None if seed is None else seed + index)
        layer = keras.layers.Conv2D(
            filters, 3, strides=2, padding="same", activation="relu", kernel_initializer=initializer
        )
        x = keras.layers.GroupNormalization(groups=8)(layer(x))
    return x

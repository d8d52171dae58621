"""The network that a recipe of forecasting describes."""

from rnn_apps.models.forecaster import forecaster, window_forecaster
from rnn_apps.tasks.cell import make_levels, model_errors
from rnn_apps.tasks.forecasting.scaling import learn_scaling
from rnn_apps.tasks.task import Network


def series_forecaster(recipe, dataset):
    """Return the `Network` from the past of a series to quantiles after every step."""
    data, model, sizes, columns = recipe.data, recipe.model, dataset.sizes, dataset.columns
    by_frame = model.spread == "lags" or (model.spread == "auto" and len(dataset.series) > 1)
    places = [one.location for one in dataset.series]
    options = (columns.targets, sizes.lags, model.transform, by_frame, model.level_feature)
    scaling = learn_scaling(dataset.training_values(), places, *options)
    with model_errors(model.cell):
        levels = make_levels(recipe)
        network = forecaster(levels, sizes, scaling, data.period, model.dropout, seed=recipe.seed)
    if recipe.training.tbptt is None:
        return network
    return Network(network, window_forecaster(network, sizes, recipe.training.batch_size))

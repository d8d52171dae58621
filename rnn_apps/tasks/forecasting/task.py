"""The forecasting task: many-to-many, from the past of a series to its next steps with intervals."""

from rnn_apps.models.forecaster import forecaster, window_forecaster
from rnn_apps.tasks.cell import make_recurrent_layers, model_errors
from rnn_apps.tasks.forecasting.dataset import SeriesDataset, SeriesPreprocessing
from rnn_apps.tasks.forecasting.predictor import ForecastPredictor
from rnn_apps.tasks.forecasting.scaling import scaling_of
from rnn_apps.tasks.objectives.quantiles import QuantileObjective
from rnn_apps.tasks.task import Network, Task


def series_forecaster(recipe, dataset):
    """Return the `Network` from a series to quantiles of the next steps after every step."""
    data, model, sizes = recipe.data, recipe.model, dataset.sizes
    scaling = scaling_of(recipe, dataset)
    with model_errors(model.cell):
        recurrent = make_recurrent_layers(recipe)
        network = forecaster(recurrent, sizes, scaling, data.period, model.dropout, seed=recipe.seed)
    if recipe.training.tbptt is None:
        return network
    return Network(network, window_forecaster(network, sizes, recipe.training.batch_size))


TASK = Task(SeriesDataset, series_forecaster, QuantileObjective, ForecastPredictor, SeriesPreprocessing)

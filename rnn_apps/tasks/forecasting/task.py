"""The forecasting task: many-to-many, from the past of a series to its next steps with intervals."""

from rnn_apps.tasks.forecasting.dataset import SeriesDataset, SeriesPreprocessing
from rnn_apps.tasks.forecasting.network import series_forecaster
from rnn_apps.tasks.forecasting.predictor import ForecastPredictor
from rnn_apps.tasks.objectives.quantiles import QuantileObjective
from rnn_apps.tasks.task import Task

TASK = Task(SeriesDataset, series_forecaster, QuantileObjective, ForecastPredictor, SeriesPreprocessing)

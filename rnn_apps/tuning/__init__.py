"""Searches the settings of a recipe that score best on validation."""

from rnn_apps.tuning.api import tune

__all__ = ["tune"]

"""The packages: all of rnn_apps/, and recipes/ as rnn_apps.recipes; setup.cfg holds everything else."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["rnn_apps", "rnn_apps.*"]), "rnn_apps.recipes"])

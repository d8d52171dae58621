"""Optuna studies: where they are stored, what they belong to, and which of their trials count."""

import contextlib
import importlib.util
import json
import logging
import sqlite3
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from rnn_apps.errors import UserError, first_line, shown

RANDOM, COMPARISON = "/random", "/comparison"  # what follows the name of a search
RECIPE_FILE, SPACE_FILE, STUDY_FILE = "recipe.yaml", "space.yaml", "study.db"
SAMPLERS = ("tpe", "random")
FACTS, PROBLEM = "rnn_apps", "problem"  # attributes of a study, and of a trial that failed
SCHEMES = ("sqlite", "postgresql", "mysql")
HEARTBEAT, GRACE = 10, 60  # seconds; a trial whose process has not written for so long is given up
BUSY = 60  # seconds to wait for another process that writes to the same SQLite file
_ATTEMPTS = 5  # to create the tables, which other processes may be creating as well
STARTUP_TRIALS, WARMUP_EPOCHS = 5, 1  # without pruning
_HEADER = b"SQLite format 3\0"


def check_packages():
    """Raise UserError if Optuna is not installed."""
    if importlib.util.find_spec("optuna") is None:
        problem = "a search needs optuna, which is not installed"
        raise UserError("tune", problem, fix="pip install 'rnn-apps[tune]'")


@dataclass(frozen=True)
class Location:
    """Where a study is stored.

    Attributes:
        text: path of an SQLite file, or URL of a database.
        path: `Path` of the file, or None for a URL.
    """

    text: str
    path: Path | None

    @classmethod
    def parse(cls, text):
        """Return the location that a text names.

        Raises:
            UserError: if it is neither a possible path nor the URL of a supported database.
        """
        text = str(text)
        scheme, is_url, rest = text.partition("://")
        if not is_url:
            if "?" in text or not text.strip():
                raise _wrong(text, f"{shown(text)} is not a path of a file", "Name another file.")
            return cls(text, Path(text))
        if scheme.partition("+")[0] not in SCHEMES or not rest.strip("/"):
            expected = "sqlite:///FILE, postgresql://USER@HOST/DATABASE or mysql://USER@HOST/DATABASE"
            problem = f"{shown(_without_password(text))} is not the URL of a supported database"
            raise UserError(problem=problem, expected=expected, option="study")
        if scheme == "sqlite" and "?" not in rest:
            return cls.parse(rest.removeprefix("/"))
        return cls(text, None)

    @property
    def exists(self):
        """Whether there is a study file, or there may be a study in a database."""
        return self.path is None or self.path.exists()

    @property
    def url(self):
        """URL for SQLAlchemy."""
        return self.text if self.path is None else f"sqlite:///{self.path}"

    def __str__(self):
        return _without_password(self.text)

    def check(self):
        """Raise UserError if the file is not a database of Optuna, or its folder does not exist."""
        if self.path is None:
            return
        if self.path.is_dir():
            raise _wrong(self, f"{self} is a folder", "Name the file of the study in it, such as study.db.")
        if not self.path.exists():
            return
        try:
            with self.path.open("rb") as file:
                header = file.read(len(_HEADER))
            if header and (header != _HEADER or "studies" not in self._tables()):
                raise _wrong(self, f"{self} is not a study", "Name the file of a search, or a new one.")
        except (OSError, sqlite3.Error) as error:
            raise _wrong(self, f"{self} cannot be read ({first_line(error)})", "Name another file.") from None

    def _tables(self):
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY)) as database:
            return {name for (name,) in database.execute("select name from sqlite_master where type='table'")}


def _wrong(location, problem, fix):
    return UserError(problem=problem, expected="a study of this search", fix=fix, option="study")


def _without_password(text):
    scheme, _, rest = text.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{host}" if rest else text


def open_storage(location):
    """Return the Optuna storage of a `Location`.

    Raises:
        UserError: if the database cannot be opened, or its driver is not installed.
    """
    import optuna
    import sqlalchemy

    _quieten(optuna)
    options = {"connect_args": {"timeout": BUSY}} if location.path is not None else {"pool_pre_ping": True}
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # heartbeats are marked as experimental
                return optuna.storages.RDBStorage(
                    location.url, engine_kwargs=options, heartbeat_interval=HEARTBEAT, grace_period=GRACE
                )
        except ImportError as error:
            problem = f"{location} needs a driver ({first_line(error)})"
            fix = "Install it, such as: pip install psycopg2-binary, or: pip install mysqlclient"
            raise UserError(problem=problem, fix=fix, option="study") from None
        except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.OptunaError) as error:
            if attempt == _ATTEMPTS:
                problem = f"{location} cannot be opened ({first_line(error)})"
                raise UserError(
                    problem=problem, fix="Check the path or the server.", option="study"
                ) from None
            time.sleep(0.2 * attempt)


def _quieten(optuna):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def names_of_searches(storage):
    """Return the names of all studies in a storage, except those that belong to others."""
    import optuna

    names = [summary.study_name for summary in optuna.get_all_study_summaries(storage)]
    return [name for name in names if not name.endswith((RANDOM, COMPARISON))]


def find_facts(storage, name):
    """Return the facts that a study was begun with, or None if there is no such study.

    Raises:
        UserError: if it is a study of another program.
    """
    try:
        study_id = storage.get_study_id_from_name(name)
    except KeyError:
        return None
    facts = storage.get_study_user_attrs(study_id).get(FACTS)
    if not isinstance(facts, dict) and storage.get_n_trials(study_id):
        others = ", ".join(names_of_searches(storage))
        problem = f"the study {shown(name)} was not made by a search"
        raise UserError(problem=problem, fix=f"Name another one. There are: {others}.", option="name")
    return facts


def open_study(storage, name, higher_is_better):
    """Return a study, which is created if there is none of this name.

    Args:
        storage: of `open_storage`.
        name: of the study.
        higher_is_better: whether the best score is the highest.
    """
    import optuna

    return optuna.create_study(
        storage=storage,
        study_name=name,
        direction="maximize" if higher_is_better else "minimize",
        pruner=optuna.pruners.MedianPruner(STARTUP_TRIALS, WARMUP_EPOCHS),
        load_if_exists=True,
    )


def make_sampler(kind, seed):
    """Return a sampler of Optuna, "tpe" or "random"; its proposals depend on the seed and the trials.

    TPE samples each setting by itself, and takes running trials of other processes for bad ones, so that
    they try something else (constant liar).
    """
    import optuna

    if kind == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, multivariate=False, constant_liar=True)


def finished_trials(study, most=None):
    """Return the trials that count, in the order in which they were finished.

    These are complete and pruned ones, and those that failed for a reason; not those that were stopped.

    Args:
        study: Optuna study.
        most: maximum number of trials.
    """
    from optuna.trial import TrialState

    counted = [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        or (trial.state == TrialState.FAIL and PROBLEM in trial.user_attrs)
    ]
    return sorted(counted, key=lambda trial: (trial.datetime_complete, trial.number))[:most]


def best_trial(study, most=None):
    """Return the complete trial with the best score, the earliest of equals, or None."""
    from optuna.study import StudyDirection
    from optuna.trial import TrialState

    sign = 1 if study.direction == StudyDirection.MINIMIZE else -1
    complete = [trial for trial in finished_trials(study, most) if trial.state == TrialState.COMPLETE]
    return min(complete, key=lambda trial: (sign * trial.value, trial.number), default=None)


def plain(value):
    """Return a value as a database returns it: as after JSON."""
    return json.loads(json.dumps(value))

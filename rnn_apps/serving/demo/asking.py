"""How a page asks the model: through the same thread, limits and queue as a request over HTTP."""

from concurrent.futures import TimeoutError as OutOfTime

from rnn_apps.errors import RnnAppsError
from rnn_apps.serving.model import Busy
from rnn_apps.serving.protocol import BadRequest, make_request


class Problem(RnnAppsError):
    """Why there is no answer: one sentence for the visitor."""


class Asker:
    """Asks the worker of a server.

    Args:
        worker: `Worker`.
        limits: `Limits`.
        is_ready: function that says whether the server takes requests.
    """

    def __init__(self, worker, limits, is_ready):
        self.worker, self.limits, self._is_ready = worker, limits, is_ready

    @property
    def signatures(self):
        """Signature name to the specs of its inputs, by name."""
        return self.worker.model.specs

    @property
    def outputs(self):
        """Signature name to the specs of its outputs, by name."""
        return self.worker.model.outputs

    def __call__(self, signature, **inputs):
        """Return output name to array.

        Args:
            signature: name.
            **inputs: by name, as `make_request` takes them.

        Raises:
            Problem: there is no answer.
        """
        if not self._is_ready():
            raise Problem("The server is starting or stopping; try again in a moment.")
        seconds = self.worker.seconds
        try:
            future = self.worker.submit(
                make_request(signature, inputs, self.signatures[signature], self.limits)
            )
            try:
                return future.result(seconds)
            except OutOfTime:
                future.cancel()
                raise Problem(f"No answer within {seconds:g} s; give the network less to read.") from None
        except BadRequest as error:
            raise Problem(f"{error}.") from error
        except Busy:
            raise Problem("Too many requests wait; try again in a moment.") from None

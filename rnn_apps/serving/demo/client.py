"""Runs the model for a page, with the same queue, thread and limits as HTTP requests."""

from rnn_apps.errors import RnnAppsError
from rnn_apps.serving.model import Busy
from rnn_apps.serving.protocol import BadRequest, make_request


class PageError(RnnAppsError):
    """An error whose message, one sentence, is shown to the visitor."""


class Client:
    """Sends requests to the worker of a server.

    Args:
        worker: `Worker`.
        limits: `Limits`.
        is_ready: function that returns whether the server accepts requests.

    Attributes:
        signatures: signature name to the specs of its inputs, by name.
        outputs: signature name to the specs of its outputs, by name.
    """

    def __init__(self, worker, limits, is_ready):
        self.worker, self.limits, self._is_ready = worker, limits, is_ready
        self.signatures, self.outputs = worker.model.specs, worker.model.outputs

    def __call__(self, signature, **inputs):
        """Return output name to array.

        Args:
            signature: name of the signature.
            **inputs: values by input name, as for `make_request`.

        Raises:
            PageError: the inputs are invalid, or the server is busy or too slow.
        """
        if not self._is_ready():
            raise PageError("The server is starting or stopping; try again in a moment.")
        try:
            request = make_request(signature, inputs, self.signatures[signature], self.limits)
            future = self.worker.submit(request)
            return future.result(self.worker.timeout)
        except BadRequest as error:
            raise PageError(f"{error}.") from error
        except Busy:
            raise PageError("Too many requests are waiting; try again in a moment.") from None
        except TimeoutError:
            future.cancel()
            raise PageError(f"No answer within {self.worker.timeout:g} s; try a shorter input.") from None

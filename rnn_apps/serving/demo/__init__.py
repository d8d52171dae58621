"""A gradio demo page for a served model, chosen by the signatures of the export.

Of the other packages it imports `errors`, and `data` to read uploaded files as the commands read files.
"""

from rnn_apps.serving.demo.app import mount_demo, stop_demo

__all__ = ["mount_demo", "stop_demo"]

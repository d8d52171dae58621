"""A page in the browser over the same model: chosen by the signatures of the export, made with gradio.

Of ours it may import, besides the errors, `data` alone: a visitor's file is read as the commands read it.
"""

from rnn_apps.serving.demo.mounting import mount_demo, stop_demo

__all__ = ["mount_demo", "stop_demo"]

"""Mounts the demo page on the server's application."""

import os
import tempfile
from pathlib import Path

import gradio as gr

from rnn_apps.serving.demo.blocks import STYLE, make_blocks, make_theme
from rnn_apps.serving.demo.client import Client
from rnn_apps.serving.demo.hardening import SecurityMiddleware
from rnn_apps.serving.demo.metadata import Metadata
from rnn_apps.serving.demo.routing import page_for

MAX_UPLOADS = 64  # of the largest size, kept at a time
_SCRIPT = Path(__file__).parent / "page.js"


def mount_demo(application, path, worker, limits, name):
    """Mount the demo page of a model at a path.

    Uploads are stored in a temporary folder, which is removed with the returned object at the latest.

    Args:
        application: `fastapi.FastAPI`, whose `state.ready` says whether it accepts requests.
        path: path of the page, such as ``/demo``.
        worker: `Worker` that runs the model.
        limits: `Limits`.
        name: name under which the model is served.

    Returns:
        `tempfile.TemporaryDirectory`.
    """
    uploads = tempfile.TemporaryDirectory(prefix="rnn-apps-demo-", ignore_cleanup_errors=True)
    os.environ |= {"GRADIO_TEMP_DIR": uploads.name, "GRADIO_ANALYTICS_ENABLED": "False"}
    metadata = Metadata(worker.model.path)
    page = page_for(Client(worker, limits, lambda: application.state.ready), metadata)
    blocks = make_blocks(page, metadata, name)
    blocks.has_launched = True  # until then, gradio accepts any path of this machine as an upload
    gr.mount_gradio_app(
        application,
        blocks,
        path,
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=limits.body,
        allowed_paths=[str(metadata.folder)],
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=make_theme(),
        css=STYLE,
    )
    icon = '<link rel="icon" href="data:,">'
    application.add_middleware(
        SecurityMiddleware,
        path=path,
        max_body=limits.body + (1 << 20),  # an upload and its multipart headers
        head_html=f"{icon}<script>{_SCRIPT.read_text(encoding='utf-8')}</script>".encode(),
        uploads=uploads.name,
        max_stored=MAX_UPLOADS * limits.body,
    )
    return uploads


def stop_demo(application, path):
    """Close the persistent connections of open pages."""
    for route in application.routes:
        if getattr(route, "path", None) == path and hasattr(route.app, "stop_event"):
            route.app.stop_event.set()

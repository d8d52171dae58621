"""The page under a path of the server."""

import os
import tempfile
from pathlib import Path

import gradio as gr

from rnn_apps.serving.demo.asking import Asker
from rnn_apps.serving.demo.blocks import STYLE, make_blocks, make_theme
from rnn_apps.serving.demo.choosing import page_for
from rnn_apps.serving.demo.closing import Closed
from rnn_apps.serving.demo.facts import Facts

UPLOADS_KEPT = 64  # as many of the largest may lie there at a time
_ADDED = Path(__file__).parent / "page.js"


def mount_demo(application, path, worker, limits, name):
    """Put the demo page of a model under a path.

    What visitors upload lies in a temporary folder, which is removed with the returned object at the latest.

    Args:
        application: `fastapi.FastAPI`, whose `state.ready` says whether requests are taken.
        path: such as ``/demo``.
        worker: `Worker` that asks the model.
        limits: `Limits`.
        name: by which the model is served.

    Returns:
        `tempfile.TemporaryDirectory`.
    """
    uploads = tempfile.TemporaryDirectory(prefix="rnn-apps-demo-", ignore_cleanup_errors=True)
    os.environ |= {"GRADIO_TEMP_DIR": uploads.name, "GRADIO_ANALYTICS_ENABLED": "False"}
    facts = Facts(worker.model.path)
    page = page_for(Asker(worker, limits, lambda: application.state.ready), facts)
    blocks = make_blocks(page, facts, name)
    blocks.has_launched = True  # before that gradio takes any path of this machine for an upload
    gr.mount_gradio_app(
        application,
        blocks,
        path,
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=limits.body,
        allowed_paths=[str(facts.folder)],
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=make_theme(),
        css=STYLE,
    )
    icon = '<link rel="icon" href="data:,">'
    added = f"{icon}<script>{_ADDED.read_text(encoding='utf-8')}</script>".encode()
    most = limits.body + (1 << 20)  # the head of an upload's parts
    kept = {"uploads": uploads.name, "room": UPLOADS_KEPT * limits.body}
    application.add_middleware(Closed, path=path, most=most, added=added, **kept)
    return uploads


def stop_demo(application, path):
    """Let the lasting connections of open pages end."""
    for route in application.routes:
        if getattr(route, "path", None) == path and hasattr(route.app, "stop_event"):
            route.app.stop_event.set()

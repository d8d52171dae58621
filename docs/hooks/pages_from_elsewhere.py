"""Takes pages of the site from where they are kept: texts of the repository, notebooks with outputs.

A link between any two of them is written as it works in the repository; on the site it leads to the page.
"""

import json
import posixpath
import re
from pathlib import Path

from latex2mathml.converter import convert as mathml
from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent.parent
TEXTS = {
    "recipes/README.md": "recipes.md",
    "benchmarks/README.md": "benchmarks.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
}
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
CODE_OR_MATH = re.compile(
    r"```.*?```|`[^`\n]+`|\$\$(?P<block>.+?)\$\$|\$(?! )(?P<line>[^$\n]+)(?<! )\$(?!\d)", re.DOTALL
)


def on_config(config):
    """Put the notebooks into the navigation, under their own titles."""
    notebooks = [page for path, page in _pages().items() if path.endswith(".ipynb")]
    config.nav.append({"Notebooks": notebooks})
    return config


def on_files(files, config):
    """Add the pages that lie outside of docs/."""
    for path, page in _pages().items():
        source = ROOT / path
        text = _of_notebook(source) if source.suffix == ".ipynb" else source.read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Lead links to the pages of the site."""
    here = page.file.src_uri
    known = _pages()
    in_repository = {page: path for path, page in known.items()}.get(here, f"docs/{here}")

    def lead(link):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(in_repository), link[1]))
        target = known.get(target) or target.removeprefix("docs/")
        return posixpath.relpath(target, posixpath.dirname(here) or ".")

    return LINK.sub(lead, markdown)


def _pages():
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return TEXTS | {f"notebooks/{path.name}": f"notebooks/{path.stem}.md" for path in notebooks}


def _of_notebook(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(CODE_OR_MATH.sub(_as_mathml, source).replace("<details>", "<details markdown>"))
        elif cell["cell_type"] == "code":
            parts += [_fenced(source, "python"), *map(_shown, cell["outputs"])]
    return "\n\n".join(parts) + "\n"


def _as_mathml(found):
    if found["block"]:
        return f"\n\n<div>{mathml(found['block'].strip(), display='block')}</div>\n\n"
    return mathml(found["line"]) if found["line"] else found[0]


def _shown(output):
    data = output.get("data", {})
    if "image/png" in data:
        picture = "".join(data["image/png"]).replace("\n", "")
        return f'<img alt="What the cell above draws." src="data:image/png;base64,{picture}">'
    text = "".join(output.get("text") or data.get("text/plain") or "")
    return _fenced(text.rstrip("\n"), "text") if text else ""


def _fenced(text, language):
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}{language}\n{text}\n{fence}"

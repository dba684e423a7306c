"""How the documentation is built: `make docs`, warnings are errors."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from generated_reference import write_pages  # noqa: E402 - it lives beside this file

write_pages(HERE / "reference" / "generated")

project = "Trellis"
author = "The Trellis maintainers"
project_copyright = f"%Y, {author}"
release = installed_version("opencluster-trellis")
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
exclude_patterns = ["_build", "reference/generated"]  # the latter is included, page by page
source_suffix = {".md": "markdown"}
nitpicky = False  # docstrings name types of libraries whose inventories are on the network

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
suppress_warnings: list[str] = []

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
smartquotes = False  # the options in examples have two dashes
default_role = "code"  # docstrings write code as people do: `Plan`
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "Trellis"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["trellis.css"]


def setup(app: Sphinx) -> None:
    """Leave arguments without a name out of the reference: they are there to be refused."""
    app.connect("sphinx-click-process-arguments", _named_only)


def _named_only(_app: Sphinx, _context: object, lines: list[str]) -> None:
    while ".. option:: " in lines:
        start = lines.index(".. option:: ")
        end = next((n for n in range(start + 1, len(lines)) if lines[n].startswith(".. ")), len(lines))
        del lines[start:end]

"""The settings of Sphinx. `repro report` builds the site; `make docs` does so with warnings as errors.

The pages load nothing from the network.
"""

import importlib
import tomllib
from pathlib import Path
from typing import Any

from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer

project = "repro"
author = "the repro authors"
copyright = "the repro authors"

extensions = ["myst_parser", "sphinx.ext.autodoc", "repro.report.sphinx", "repro.course.site"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_dmath_allow_space = False  # two prices ($5 and $6) in a sentence are not a formula
myst_dmath_allow_digits = False
myst_heading_anchors = 3
exclude_patterns = ["_build", "course/material"]  # the pages of the presentations include the texts in material/

# The API page, from docstrings in Markdown; repro.report.sphinx.api converts them.
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_mock_imports = ["torch", "torchaudio"]  # their names are enough, and the import is slow
# Without these lines, autodoc would import torch to look up a base class.
for mock in ("torch", "torch.nn", "torch.utils.data", "torch.utils.data.Dataset"):
    ModuleAnalyzer.cache["module", mock] = PycodeError("not needed")
autodoc_typehints_format = "short"
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

# The addresses of the repository and of this site. Without them, the pages say what to put in.
pyproject = Path(__file__).parents[1] / "pyproject.toml"
urls = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"].get("urls", {}) if pyproject.is_file() else {}
repro_repository = urls.get("Repository", "")
html_baseurl = urls.get("Documentation", "")

html_theme = "furo"
html_title = "repro"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_math_renderer = "mathml"


def setup(app: Any) -> None:
    """Import scipy.stats before the API page is read, because it cannot be imported while torch is replaced."""
    app.connect("source-read", lambda app, page, source: page == "api" and importlib.import_module("scipy.stats"))

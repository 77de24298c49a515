"""The site: `repro report`, or `make docs` where a warning is an error. Nothing is fetched when a page is viewed."""

from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer

project = "repro"
author = "the repro authors"
copyright = "the repro authors"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_design", "repro.report.sphinx"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_dmath_allow_space = False  # two prices in a sentence are no formula
myst_dmath_allow_digits = False
myst_heading_anchors = 3
exclude_patterns = ["_build"]

# The API, from docstrings: those are Markdown, as all texts here (repro.report.sphinx.api says so).
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_mock_imports = ["torch", "torchaudio"]  # their names are enough, and importing them would take the longest
# Else autodoc imports them to look up a base class.
for mock in ("torch", "torch.nn", "torch.utils.data", "torch.utils.data.Dataset"):
    ModuleAnalyzer.cache["module", mock] = PycodeError("not needed")
autodoc_typehints_format = "short"
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "repro"
html_static_path = ["_static"]
html_css_files = ["repro.css"]
html_js_files = [("repro.js", {"defer": "defer"})]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_math_renderer = "mathml"

"""The site: `repro report`, or `make docs` where a warning is an error. Nothing is fetched when a page is viewed."""

project = "repro"
author = "the repro authors"
copyright = "the repro authors"

extensions = ["myst_parser", "sphinx_design", "repro.report.sphinx"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "repro"
html_static_path = ["_static"]
html_css_files = ["repro.css"]
html_js_files = [("repro.js", {"defer": "defer"})]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_math_renderer = "mathml"

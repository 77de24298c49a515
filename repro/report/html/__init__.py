"""HTML and SVG: markup, plain words, axes, marks, the files of the site. Nothing here knows Sphinx."""

"""HTML and SVG: elements, numbers as text, axes, marks, the files of the site. Nothing here uses Sphinx."""

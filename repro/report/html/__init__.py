"""HTML and SVG: elements, numbers as text, axes, marks, the files of the site, pages that are one file. Nothing here
uses Sphinx."""

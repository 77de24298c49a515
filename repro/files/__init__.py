"""Read files strictly, and lock folders.

regular: only regular files of a limited size, no pipes or devices. strict_json: JSON without duplicate keys or NaN.
typed: checks that a TOML value has the right type. toml_lines: the line number of each TOML key. lock: allows only one
process at a time in a run folder.
"""

"""Reading and writing files: regular files only, strict JSON, types of TOML values, one process at a time.

regular: files of a bounded size, no pipes or devices. strict_json: JSON without duplicate keys or NaN. typed: does a
value fit its type. toml_lines: the line of each key. lock: a lock among processes.
"""

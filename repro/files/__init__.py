"""Read files strictly, write them atomically, and lock folders.

regular        open only regular files of a limited size, no pipes or devices
strict_json    read JSON without duplicate keys or NaN
typed          check that a value from TOML or JSON has the right type
toml_lines     find the line number of each TOML key
disk           write a file atomically; a one-line error when the disk is full
lock           allow only one process at a time in a run folder
"""

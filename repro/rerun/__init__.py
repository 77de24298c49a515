"""Running again: does a number repeat?

replay: one record. certify: how far the numbers of a config repeat (certify_child: in processes of their own). renew:
does changed code give the same numbers (both_ends: of a long training; renew_core: after a change of the core). rot:
does a paper still run with the newest packages. child: a command in its own process.
"""

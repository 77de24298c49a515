"""Run something again and compare the numbers.

- `replay`: run one record again.
- `certify`: measure how closely the numbers of a config repeat. `certify_child` is the code of its child processes.
- `renew`: check whether changed code gives the same numbers. `both_ends` compares the first and last steps of a long
  training; `renew_core` checks a change of the core.
- `rot`: the dependency check. Does a paper still run with the pinned and with the newest packages?
- `child`: run a command in its own process.
"""

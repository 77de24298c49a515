"""Run something again and compare the numbers, or compare what was already run.

- `replay`: run one record again. `counter_record` stores it as the replay of another group, with a signature
  (`signatures`).
- `certify`: measure how closely the numbers of a config repeat. `certify_child` is the code of its child process.
- `renew`: check whether changed code gives the same numbers. `both_ends` compares the first and last steps of a long
  training; `renew_core` checks a change of the core.
- `rot`: the dependency check. Does a paper still run with the pinned and with the newest packages?
- `diff`: what differs between two records, runs or configs; runs nothing. `sides` reads them, and `pairs` compares the
  measurements of two records, also for `replay`.
- `child`: run a command in its own process.
"""

"""Trainers. The contract: `fit(model, loss, train, valid, folder, order_seed) -> history`.

`history` is a dict with `steps`, `items_per_second` and `curves` (`{name: [[step, value], ...]}`); everything else
(checkpoints, events, `metrics.jsonl`) goes into `folder`. The model is trained in place and ends with the weights
that are to be measured. A trainer has one overridable `step(model, loss, batch) -> scalar loss`.
"""

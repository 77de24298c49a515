"""Trainers. The contract: `fit(model, loss, train, valid, folder, order_seed) -> history`.

`history` is a dict with `steps`, `items_per_second` and `curves` (`{name: [[step, value], ...]}`), and with
`earlier_seconds` where other processes trained before this one; everything else (checkpoints, events, `metrics.jsonl`)
goes into `folder`, which is the run's own. The model is trained in place and ends with the weights that are to be
measured. A trainer has one overridable `step(model, loss, batch) -> scalar loss`. `Supervised` has `after_step(model)`
too, after each step of the optimizer; a subclass that keeps state for it has `state_dict` and `load_state_dict`.

A trainer that keeps its state in `folder` (`repro.trainers.checkpoints`) goes on from it when `fit` is called again
with the same arguments, and ends with the same bits as if it had never stopped. One that keeps none begins anew, and
ends with these too.
"""

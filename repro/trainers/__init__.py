"""Trainers. A trainer has `fit(model, loss, train, valid, folder, order_seed) -> history`.

Register the class: `@TRAINERS.register` (`from repro.registry import TRAINERS`). A config imports its module with
`import repro.trainers.<file>`, or `import papers.<paper>.trainer` for a paper's own. It then names
`@trainers.<Class>()`. The usual trainer is `@trainers.Supervised()`, in `repro.trainers.supervised`.

`history` is a dict with `steps`, `items_per_second` and `curves` (`{name: [[step, value], ...]}`). It may have the
`batch_size`. If earlier processes trained a part of the run, it also has `earlier_seconds`. All other output
(checkpoints, events, `metrics.jsonl`) goes into `folder`, which belongs to the run. `fit` trains the model in place. At
the end the model has the weights that the run measures.

A subclass of `Supervised` can override two methods. `step(model, loss, batch) -> scalar loss` computes the loss of a
batch. `after_step(model)` is called after each step of the optimizer. If `after_step` needs state, the subclass also
has `state_dict` and `load_state_dict`.

For another kind of training, write a trainer with `repro.trainers.loop.Loop`, in ten lines. It saves checkpoints in
`folder`. If you call `fit` again with the same arguments, it resumes from the newest one, and the result is
bit-identical to that of an uninterrupted run. A trainer without `Loop` restarts and ends with the same result.

- Trainers: `supervised`, and `fit_once` for models without gradient steps. `measured` adds curves of metrics to another
  trainer. `cross_validated` trains one network per fold with another trainer. `active` trains one network per number of
  labels, and chooses the next labels. `adversarial` trains two networks against each other (`two_networks`).
- For your own trainer: `loop`, `batches` (random order), `clipping` (of gradients), `best` (early stopping),
  `precision` (autocast). `rounds` is for one that trains several networks one after the other.
- `optim`: the optimizers and schedules of torch that a config can name. `schedules`: others.
- Checkpoints, and the stop at the first NaN, are in `repro.training`.
"""

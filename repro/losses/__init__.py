"""Losses. A loss is an `nn.Module` with `forward(output, target) -> scalar`, like the losses of `torch.nn`.

Register the class: `@LOSSES.register` (`from repro.registry import LOSSES`). A config imports its module with
`import repro.losses.<file>`, or `import papers.<paper>.loss` for a paper's own. It then names `@losses.<Class>()`.

The loss and its gradients must be finite for silence, for zeros, and for a batch of one item.

- `standard`: losses of torch.
- `adversarial`: losses of scores, for two networks. They have other methods instead of `forward`.
- `overlap`: losses of masks: cross-entropy per pixel, focal, soft Dice.
- Source separation: `clustering` (of embeddings; `moments` has their sums), `masks`, `chimera` (both), `waveforms`;
  `permutations` finds the best order of the estimates.
"""

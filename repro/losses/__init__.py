"""Losses. A loss is an `nn.Module` with `forward(output, target) -> scalar`, like the losses of `torch.nn`.

The loss and its gradients must be finite for silence, for zeros, and for a batch of one item.
"""

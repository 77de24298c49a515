"""Losses. The contract: an `nn.Module` with `forward(output, target) -> scalar`, so that those of `torch.nn` serve.

A loss is finite, with finite gradients, on silence, on zeros and on a batch of one item.
"""

"""Models. The contract: an `nn.Module` with `forward(inputs) -> output`, batch first.

A model whose output in training is not yet the answer (an embedding, say) has `estimate(inputs)`: the answer to one
item of a test set, without a batch dimension. Without it, the answer is `forward` of a batch of one.
"""

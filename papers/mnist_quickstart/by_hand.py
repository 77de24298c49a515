"""Neural networks by hand, in numpy only: layers, loss, optimizer. Read it from top to bottom.

Every layer has two methods. `forward(x) -> y` computes the output and stores what `backward` needs.
`backward(gradient) -> gradient` gets the gradient of the loss with respect to the layer's output. It stores the
gradients with respect to the layer's parameters in `gradients`. It returns the gradient with respect to the layer's
input. This is the chain rule, one layer after the other, from the loss back to the pixels.

Letters: B images of a batch, D inputs and K outputs (or classes) of a layer, C channels, H rows, W columns, R rows and
columns of a filter, H' and W' rows and columns of an output.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


class Flatten:
    """Flatten the pixels of each image to one row: `(B, ...) -> (B, D)`."""

    parameters: Sequence[Array] = ()
    gradients: Sequence[Array] = ()

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, gradient: Array) -> Array:
        return gradient.reshape(self.shape)


class ReLU:
    """`max(x, 0)`, for any shape. Where x <= 0, both the output and the gradient are 0."""

    parameters: Sequence[Array] = ()
    gradients: Sequence[Array] = ()

    def forward(self, x: Array) -> Array:
        self.open = x > 0
        return np.where(self.open, x, 0)

    def backward(self, gradient: Array) -> Array:
        return np.where(self.open, gradient, 0)


class Linear:
    """Fully connected layer, `y = x weight' + bias`: `(B, D) -> (B, K)`; weight (K, D), bias (K,).

    Example:

        >>> layer = Linear(np.array([[1.0, 2.0]]), np.array([0.5]))
        >>> layer.forward(np.array([[3.0, 4.0]]))
        array([[11.5]])
        >>> layer.backward(np.array([[1.0]])), layer.gradients
        (array([[1., 2.]]), (array([[3., 4.]]), array([1.])))
    """

    def __init__(self, weight: Array, bias: Array) -> None:
        self.parameters = (weight, bias)

    def forward(self, x: Array) -> Array:
        weight, bias = self.parameters
        self.x = x
        return x @ weight.T + bias

    def backward(self, gradient: Array) -> Array:
        """`y_bk = sum_d x_bd weight_kd + bias_k`, so dy_bk / dweight_kd = x_bd. Gradients are summed over the batch."""
        self.gradients = (gradient.T @ self.x, gradient.sum(0))
        return gradient @ self.parameters[0]


class Convolution:
    """Convolution without padding: `(B, C, H, W) -> (B, K, H', W')`, H' = H - R + 1, W' = W - R + 1.

    weight (K, C, R, R), bias (K,). Each patch under the filter becomes a row of a matrix (*im2col*). Then the
    convolution is a `Linear` with C R R inputs, for each of the B H' W' positions.
    """

    def __init__(self, weight: Array, bias: Array) -> None:
        self.parameters = (weight, bias)
        self.linear = Linear(weight.reshape(len(weight), -1), bias)  # a view, so that both share the weights

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        side = self.parameters[0].shape[-1]
        rows, columns = x.shape[2] - side + 1, x.shape[3] - side + 1
        y = self.linear.forward(patches(x, side))  # (B H' W', K)
        return y.reshape(len(x), rows, columns, -1).transpose(0, 3, 1, 2)

    def backward(self, gradient: Array) -> Array:
        channels_last = gradient.transpose(0, 2, 3, 1)  # (B, H', W', K)
        given = self.linear.backward(channels_last.reshape(-1, gradient.shape[1]))  # (B H' W', C R R)
        weight, bias = self.linear.gradients
        self.gradients = (weight.reshape(self.parameters[0].shape), bias)
        return put_back(given, self.shape, self.parameters[0].shape[-1])


def patches(x: Array, side: int) -> Array:
    """All patches of `side` x `side` pixels of x (B, C, H, W), as rows of a matrix (B H' W', C R R)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(2, 3))  # (B, C, H', W', R, R), no copy
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * side * side)


def put_back(rows: Array, shape: tuple[int, ...], side: int) -> Array:
    """The adjoint of `patches`: each pixel (B, C, H, W) is the sum of its values in all patches that contain it."""
    batch, channels, height, width = shape
    high, wide = height - side + 1, width - side + 1
    values = rows.reshape(batch, high, wide, channels, side, side).transpose(4, 5, 0, 3, 1, 2)  # (R, R, B, C, H', W')
    x = np.zeros(shape, rows.dtype)
    for row in range(side):
        for column in range(side):
            x[:, :, row : row + high, column : column + wide] += values[row, column]
    return x


class MaxPool:
    """Max pooling over 2 x 2 pixels: `(B, C, H, W) -> (B, C, H / 2, W / 2)`; H and W must be even.

    Only the largest pixel gets the gradient. Ties go to the first pixel, as in torch.
    """

    parameters: Sequence[Array] = ()
    gradients: Sequence[Array] = ()

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        blocks = self._blocks(x)
        self.largest = blocks.argmax(-1)[..., None]
        return np.take_along_axis(blocks, self.largest, -1)[..., 0]

    def backward(self, gradient: Array) -> Array:
        batch, channels, height, width = self.shape
        blocks = np.zeros((*gradient.shape, 4), gradient.dtype)
        np.put_along_axis(blocks, self.largest, gradient[..., None], -1)
        squares = blocks.reshape(batch, channels, height // 2, width // 2, 2, 2)
        return squares.transpose(0, 1, 2, 4, 3, 5).reshape(self.shape)

    def _blocks(self, x: Array) -> Array:
        """The 2 x 2 blocks as rows: `(B, C, H / 2, W / 2, 4)`."""
        batch, channels, height, width = x.shape
        squares = x.reshape(batch, channels, height // 2, 2, width // 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return squares.reshape(batch, channels, height // 2, width // 2, 4)


class Network:
    """A sequence of layers: `(B, 1, 28, 28) -> scores (B, K)`. Its parameters are the arrays that you pass in."""

    def __init__(self, layers: Sequence[Any]) -> None:
        self.layers = layers

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, gradient: Array) -> Array:
        """From the gradient with respect to the scores (B, K) to that with respect to the images.

        Afterwards `gradients` has the gradients with respect to the parameters.
        """
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return gradient

    @property
    def parameters(self) -> list[Array]:
        return [array for layer in self.layers for array in layer.parameters]

    @property
    def gradients(self) -> list[Array]:
        return [array for layer in self.layers for array in layer.gradients]


def perceptron(arrays: Iterable[Array]) -> Network:
    """A multilayer perceptron, with a ReLU after each layer except the last.

    arrays: weight and bias of the first layer, then of the second layer, and so on.
    """
    pairs = _pairs(arrays)
    layers: list[Any] = [Flatten()]
    for weight, bias in pairs[:-1]:
        layers += [Linear(weight, bias), ReLU()]
    return Network([*layers, Linear(*pairs[-1])])


def cnn(arrays: Iterable[Array]) -> Network:
    """A convolutional network: convolutions with max pooling and ReLU, then one linear layer.

    arrays: weight and bias of the first layer, then of the second layer, and so on.
    """
    pairs = _pairs(arrays)
    layers: list[Any] = []
    for weight, bias in pairs[:-1]:
        layers += [Convolution(weight, bias), MaxPool(), ReLU()]  # the order of pooling and ReLU does not matter
    return Network([*layers, Flatten(), Linear(*pairs[-1])])


def _pairs(arrays: Iterable[Array]) -> list[tuple[Array, Array]]:
    found = iter(arrays)
    return list(zip(found, found, strict=True))


def softmax_cross_entropy(scores: Array, target: npt.NDArray[np.integer[Any]]) -> tuple[float, Array]:
    """Cross-entropy loss of the scores (B, K) and classes `target` (B,), and its gradient (B, K).

    The loss is the mean of -log p(target), where p is the softmax of the scores. Its gradient is
    d loss / d score_bk = (p_bk - [k is the target of b]) / B. The largest score is subtracted first. This does not
    change p and prevents overflow in exp().

    Example: two equal scores have p = 1/2, and the loss is log 2.

        >>> loss, gradient = softmax_cross_entropy(np.array([[0.0, 0.0]]), np.array([1]))
        >>> round(loss, 4), gradient
        (0.6931, array([[ 0.5, -0.5]]))
    """
    shifted = scores - scores.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    batch = np.arange(len(scores))
    gradient = np.exp(log_p)
    gradient[batch, target] -= 1
    return float(-log_p[batch, target].mean()), gradient / len(scores)


class SGD:
    """Stochastic gradient descent with momentum: `v <- momentum v + gradient`, `parameter <- parameter - lr v`."""

    def __init__(self, parameters: Sequence[Array], momentum: float) -> None:
        self.parameters, self.momentum = parameters, momentum
        self.velocities = [np.zeros_like(array) for array in parameters]

    def step(self, gradients: Sequence[Array], lr: float) -> None:
        """Change the parameters in place."""
        for parameter, velocity, gradient in zip(self.parameters, self.velocities, gradients, strict=True):
            velocity *= self.momentum
            velocity += gradient
            parameter -= lr * velocity

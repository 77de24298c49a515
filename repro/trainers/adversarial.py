"""Adversarial training: two networks, each with its own optimizer, in the loop of the other trainers.

It is supervised learning whose loss is learned too: batches are `(inputs, target)`, the target is a real image, and the
model makes an image from the inputs.

Letters: B items.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from repro.datasets.sample_pictures import SamplePictures
from repro.errors import BadInput
from repro.models.contract import as_images, takes
from repro.registry import DATASETS, TRAINERS, name_of, wrong_value
from repro.trainers import optim as optim  # so that a config with this trainer can name torch's optimizers
from repro.trainers import schedules as schedules  # and this project's schedules
from repro.trainers.loop import Loop
from repro.trainers.two_networks import ACCURACY, DIVERSITY, Curves, Player
from repro.training import device, processes

METHODS = {
    "discriminator": ("real", "fake"),
    "generator": ("fake",),
    "penalty": ("judge", "real", "fake"),
    "distance": ("fake", "target"),
}
"""The methods of a loss, with their arguments; the last two are optional."""
SAME, SURE = 0.5, 0.99  # warnings: samples are less than half as diverse; the discriminator is nearly always right

log = logging.getLogger("repro")


@TRAINERS.register
class Adversarial:
    """Adversarial training of `models.Adversarial` with a loss of scores, such as `losses.NonSaturating`.

    Each step has a batch of `(inputs, real images)`. The generator makes an image for each input. The discriminator
    makes a step with the scores of both. Then, in every `generator_every`-th step, the generator makes a step with the
    new scores of the same images. (Goodfellow et al. 2014, Algorithm 1, draws new noise for it.) With `simultaneous`,
    both gradients are of the same weights and the same scores, and then both networks make their step, as in the code
    of Goodfellow et al. 2014.

    - `steps`: of the discriminator. `batch_size`: items per step, in all processes together.
    - `generator_optimizer`, `discriminator_optimizer`: from torch. `generator_schedule`, `discriminator_schedule`: from
      torch or `repro.trainers.schedules`; each advances after a step of its optimizer.
    - `simultaneous`: both networks make their step from the same weights and scores; otherwise one after the other.
    - `valid_every`: steps between validations; 0: none. A validation computes the loss of the generator in eval mode.
      It changes nothing: the model ends with the weights of the last step, because this loss says little about images.
      `trainers.Measured` computes metrics at each validation.
    - `shown`: datasets by name, whose inputs the generator turns into a picture after at most six of the validations,
      for example `datasets.LatentGrid`. The record shows them if the first test set is a `datasets.Latent`.
    - `workers`: processes that read data; 0: this process.

    Curves of the history: `train` and `valid`, the loss of the generator; `discriminator`, its loss; `accuracy of the
    discriminator`: the share of pairs of a real and a generated image of a batch in which the real one has the higher
    score (1/2 if both are alike); `diversity`: the mean distance between two samples of a batch over that between two
    real images. A diversity near 0 means that all samples are alike (collapse). The log warns of both.

    Raises BadInput for values out of range. `fit` raises it for a model that cannot judge or a loss of another kind,
    and NotFinite if a loss, gradient or weight is NaN.

    Example: a generator learns to make the number 3 from noise.

        >>> import functools
        >>> from repro.losses.adversarial import LeastSquares
        >>> from repro.models.adversarial import Adversarial as Model
        >>> class OfImages(nn.Linear):
        ...     def forward(self, images, inputs=None):
        ...         return super().forward(images)
        >>> data = [(torch.randn(1), torch.tensor([3.0]) + torch.randn(1) / 10) for _ in range(64)]
        >>> model, sgd = Model(nn.Linear(1, 1), OfImages(1, 1)), functools.partial(torch.optim.SGD, lr=0.05)
        >>> history = Adversarial(300, 32, sgd, sgd).fit(model, LeastSquares(), data, None, Path("."), order_seed=0)
        >>> history["steps"], sorted(history["curves"])
        (300, ['accuracy of the discriminator', 'discriminator', 'diversity', 'train'])
    """

    def __init__(
        self,
        steps: int,
        batch_size: int,
        generator_optimizer: Callable[..., torch.optim.Optimizer],
        discriminator_optimizer: Callable[..., torch.optim.Optimizer],
        generator_schedule: Callable[..., Any] | None = None,
        discriminator_schedule: Callable[..., Any] | None = None,
        generator_every: int = 1,
        simultaneous: bool = False,
        valid_every: int = 0,
        shown: Annotated[Mapping[str, Any], DATASETS] | None = None,
        workers: int = 0,
    ) -> None:
        for name, value, least in (
            *(("steps", steps, 1), ("batch_size", batch_size, 1), ("generator_every", generator_every, 1)),
            *(("valid_every", valid_every, 0), ("workers", workers, 0)),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise wrong_value(self, name, value, f"a whole number from {least}")
        if not isinstance(simultaneous, bool):
            raise wrong_value(self, "simultaneous", simultaneous, "True or False")
        if generator_every > steps:
            raise wrong_value(self, "generator_every", generator_every, f"at most {steps}, the number of steps")
        if shown is not None and not isinstance(shown, Mapping):
            raise wrong_value(self, "shown", name_of(shown), "datasets by name: {'samples': @datasets.LatentGrid()}")
        if shown and not valid_every:
            raise wrong_value(self, "valid_every", 0, "a number of steps, because 'shown' is drawn then")
        self.steps, self.batch_size, self.workers = steps, batch_size, workers
        self.generator_optimizer, self.generator_schedule = generator_optimizer, generator_schedule
        self.discriminator_optimizer, self.discriminator_schedule = discriminator_optimizer, discriminator_schedule
        self.generator_every, self.valid_every, self.shown = generator_every, valid_every, dict(shown or {})
        self.simultaneous = simultaneous

    def step(self, model: Any, loss: Any, batch: tuple[Any, Tensor]) -> Tensor:
        """The sum of both losses of a batch, a scalar, for the checks of `repro debug`."""
        inputs, real = batch
        fake = model(inputs)
        value, *_ = of_discriminator(model, loss, inputs, real, fake.detach())
        return value + of_generator(loss, model.judge(fake, inputs), real, fake)

    def fit(
        self, model: nn.Module, loss: nn.Module, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> dict[str, Any]:
        """Train `model` in place; resume from the newest checkpoint in `folder`. See `repro.trainers`."""
        if not hasattr(model, "judge"):
            raise BadInput(f"experiment.model is {name_of(model)}", expected="models.Adversarial, for this trainer")
        if not hasattr(loss, "discriminator"):
            raise BadInput(f"experiment.loss is {name_of(loss)}", expected="a loss of scores: losses.NonSaturating")
        for method, names in METHODS.items():
            if method in ("discriminator", "generator") or hasattr(loss, method):
                takes(loss, method, *names)
        if self.valid_every and valid is None:
            raise wrong_value(self, "valid_every", self.valid_every, "0, or an experiment.valid")
        return Fit(self, model, loss, train, valid, folder, order_seed).run()


def of_discriminator(model: Any, loss: Any, inputs: Any, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The loss of the discriminator, a scalar; its accuracy; and its scores of the samples `fake`."""
    as_images(fake, len(real), getattr(model, "generator", model))
    if fake.shape != real.shape or fake.dtype != real.dtype:
        kinds = [f"{tuple(one.shape[1:])} {str(one.dtype).removeprefix('torch.')}" for one in (fake, real)]
        said = f"images of the generator are {kinds[0]}, and real ones {kinds[1]}"
        raise BadInput(said, expected="the same shape and type")
    scores = model.judge(real, inputs), model.judge(fake, inputs)
    value = loss.discriminator(*scores)
    if hasattr(loss, "penalty"):
        value = value + loss.penalty(lambda images: model.judge(images, inputs), real, fake.detach())
    difference = (scores[0] - scores[1]).detach()
    return value, (difference.sign().mean() + 1) / 2, scores[1]


def of_generator(loss: Any, scores: Tensor, real: Tensor, fake: Tensor) -> Tensor:
    """The loss of the generator, a scalar: of the `scores` of its images, and of their distance to the real ones."""
    value: Tensor = loss.generator(scores)
    return value + loss.distance(fake, real) if hasattr(loss, "distance") else value


def mean_target(train: Any) -> Tensor:
    """The mean of the targets (B, ...) of a dataset.

    >>> mean_target([(0, torch.tensor([1.0])), (0, torch.tensor([2.0]))])
    tensor([1.5000])
    """
    sums = [target.double().sum(0) for _, target in DataLoader(train, 1000, generator=torch.Generator())]
    return (torch.stack(sums).sum(0) / len(train)).float()


class Fit:
    """One training with an `Adversarial`: the objects that change during it."""

    def __init__(
        self, trainer: Adversarial, model: Any, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> None:
        self.trainer, self.valid, self.device = trainer, valid, device.here()
        self.model, self.loss = model.to(self.device), loss.to(self.device)
        own = trainer.generator_optimizer, trainer.generator_schedule, trainer.steps // trainer.generator_every
        self.generator = Player("generator", self.model.generator, *own)
        other = trainer.discriminator_optimizer, trainer.discriminator_schedule, trainer.steps
        self.discriminator = Player("discriminator", self.model.discriminator, *other)
        self.curves = Curves()
        if getattr(self.model.generator, "mean_start", False):
            self.model.generator.start(mean_target(train))
        state = {**self.generator.state(), **self.discriminator.state(), "curves": self.curves}
        self.loop = Loop(trainer, model, loss, train, folder, order_seed, workers=trainer.workers, **state)
        validations = trainer.steps // trainer.valid_every if trainer.valid_every else 0
        self.pictures = SamplePictures(trainer.shown, folder, validations, trainer.valid_every)
        self.pictures.check(self.model)
        if trainer.valid_every > trainer.steps:
            log.warning("valid_every is above the %d steps: no validation, and no picture", trainer.steps)

    def run(self) -> dict[str, Any]:
        """Do the remaining steps; returns the history."""
        with self.loop:
            self.pictures.forget(self.loop.done)
            for number, batch in self.loop:
                self._step(number, *batch)
                if self.trainer.valid_every and number % self.trainer.valid_every == 0:
                    self._validate(number)
        history = self.loop.history()
        warn(history["curves"])
        return history

    def _step(self, number: int, inputs: Any, real: Tensor) -> None:
        self.model.train()
        due = number % self.trainer.generator_every == 0
        with torch.set_grad_enabled(due):
            fake = self.model(inputs)
        both = due and self.trainer.simultaneous
        judged = fake if both else fake.detach()
        value, accuracy, scores = of_discriminator(self.model, self.loss, inputs, real, judged)
        self.discriminator.differentiate(value, self.loop, again=both)
        if not both:
            self.discriminator.advance()
        if due:
            self._generate(scores if both else self.model.judge(fake, inputs), real, fake)
        if both:
            self.discriminator.advance()
        self.curves.add(self.loop.metrics, value, accuracy, fake.detach(), real)

    def _generate(self, scores: Tensor, real: Tensor, fake: Tensor) -> None:
        """A step of the generator, from the scores of its images."""
        score = of_generator(self.loss, scores, real, fake)
        self.generator.differentiate(score, self.loop)
        self.generator.advance()
        self.loop.log(score, self.generator.rate)

    def _validate(self, number: int) -> None:
        """Log the loss of the validation set and draw pictures. Neither weights nor random state change."""
        self.model.eval()
        processes.same(list(self.model.buffers()))
        with torch.random.fork_rng(), torch.no_grad():
            score = self._score()
            if processes.rank() == 0:
                self.pictures.draw(self.model, number)
        self.loop.metrics.note("valid", number, score)

    def _score(self) -> float:
        """The mean loss of the generator over the validation set. Each process computes its share of the batches."""
        total = torch.zeros((), device=self.device)
        size = min(self.trainer.batch_size, len(self.valid))
        valid = Subset(self.valid, list(processes.share(len(self.valid), size)))
        for batch in DataLoader(valid, size, generator=torch.Generator()):
            inputs, real = device.moved(batch, self.device)
            fake = self.model(inputs)
            total += of_generator(self.loss, self.model.judge(fake, inputs), real, fake) * len(real)
        return float(processes.add(total)) / len(self.valid)


def warn(curves: dict[str, list[list[float]]]) -> None:
    """Log what the last quarter of the curves says of the training, if it went wrong."""
    last = {name: fmean(value for _, value in points[-max(1, len(points) // 4) :]) for name, points in curves.items()}
    if (diversity := last.get(DIVERSITY, 1.0)) < SAME:
        log.warning(
            "collapse, or too few steps: samples of a batch are %.2f times as far apart as real images", diversity
        )
    if (accuracy := last.get(ACCURACY, 0.5)) > SURE:
        log.warning(
            "the discriminator is right for %.1f %% of the pairs of a real image and a sample; lower its learning rate",
            100 * accuracy,
        )

"""Models. A model is an `nn.Module` with `forward(inputs) -> output`; the batch is the first dimension.

Register the class: `@MODELS.register` (`from repro.registry import MODELS`). A config imports its module with
`import repro.models.<file>`, or `import papers.<paper>.model` for a paper's own. It then names `@models.<Class>()`.

Some models produce something else in training than in the test, for example an embedding. Such a model has
`estimate(inputs)`, which returns the result for one test item, without a batch dimension. For other models, the result
is `forward` of a batch.

A model may have `check_data(dataset)`, which raises BadInput if it cannot use a data set. A run calls it for every data
set before the training.

- `separation`: networks for mixtures of voices. `kmeans`: the clustering that they use.
- `unet`: a score for every pixel. `sliding_window`: the class of one pixel from the window around it.
- `image_classifiers`: networks for images, trained from scratch; `weights` starts a model with the weights of a file.
- `explanations`: maps of the pixels that count for an answer; `explained` is a classifier with such maps.
- `adversarial`: a generator with its discriminator, and dense networks for both; `patch_discriminator` judges patches.
  `contract` checks that networks of your own fit into such a training.
- `out_of_sample`: one network per fold; each item is answered by the one that has not seen it. `active_learner`: one
  network per number of labels. `dropout_samples`: how unsure a network is, by Monte Carlo dropout.
"""

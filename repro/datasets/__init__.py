"""Datasets. A dataset is a `torch.utils.data.Dataset` whose item is `(inputs, target)`.

Register the class: `@DATASETS.register` (`from repro.registry import DATASETS`). A config imports its module with
`import repro.datasets.<file>`, or `import papers.<paper>.dataset` for a paper's own. It then names
`@datasets.<Class>()`.

- `inputs` and `target` are tensors, numbers, texts, or lists, dicts and dataclasses of these.
- Random choices depend only on `(seed, epoch, index)`. So an item does not depend on which items were read before. A
  dataset that changes from pass to pass has `set_epoch(epoch)`.
- A dataset can be pickled. Building one is fast, because it reads no data before the first item is used.
- `fingerprint()` is a digest of the *content* (decoded samples, rows in a fixed order), not of the archive file.
- A dataset may have `names`, one per item. Then a claim can be about one `item` of the test set.
- A dataset may have `class_names`, the names of its classes for people, in the order of their numbers.
- A dataset that is made from another one has it as its `source`.
- A dataset with `paired = True` has two inputs per item, `((inputs, other_inputs), target)`, for example before and
  after a change. The model answers both, and the metric's `estimate` is the pair of outputs.
- A dataset may have `illustrate(inputs, target, estimate, stem) -> panels`, which writes files next to `stem` that
  show an item. `repro.data.panels`, `mask_panels`, `sound_panels` and `signal_panels` have ready-made functions.
  `repro.report.examples` describes a panel.

`relabelled` is a dataset whose labels people corrected, and `label_table` reads their answers.

For your own reader: `walk` lists the files of a folder, `tables` reads csv, `recordings` decodes audio files once,
`mixture_lists`, `layouts` and `gender_pairs` are for mixtures of speech. `marked_signals` and `stretches` are for
recordings with marked moments. `image_tasks` says what an item of images with masks is, and `shapes` generates such
images. `flipped` makes a known share of labels wrong.
For images with masks: `augmented` changes image and mask alike, `border_weights` weighs their pixels,
`windows_of_images` cuts windows, `image_files` reads files and names a bad one; `cells` are generated images.
For generators: `latent` gives noise, and `sample_pictures` draws samples during the training.
For behaviour tests: `pairs` puts items before and after a change next to each other, `chosen` takes some items of a
dataset, and `perturb_images`, `perturb_sounds` and `perturb_texts` contain the changes. The other modules contain the
datasets.
"""

"""Datasets. The contract: a `torch.utils.data.Dataset` whose item is `(inputs, target)`.

- `inputs` and `target` are tensors, numbers, texts, or lists and dicts of these.
- Random choices are a function of `(seed, epoch, index)` and of nothing else, so that an item does not depend on who
  read what before it; a dataset that changes from pass to pass has `set_epoch(epoch)`.
- It pickles, and costs little to build: reading waits for the first item.
- `fingerprint()` is a digest of the *content* (decoded samples, canonical rows), never of an archive's wrapper.
- It may have `names`, one per item: a claim may then be about one `item` of the test set.
- It may have `illustrate(inputs, target, estimate, stem) -> panels`: files beside `stem` that show an item. Those of
  `repro.datasets.show` and `repro.audio.show` are ready made; `repro.report.examples` says what a panel may hold.
"""

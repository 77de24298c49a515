"""Metrics. A metric is a callable: `metric(estimate, target, inputs) -> float`, the value of *one* test item.

Register the class: `@METRICS.register` (`from repro.registry import METRICS`). A config imports its module with
`import repro.metrics.<file>`, or `import papers.<paper>.metric` for a paper's own. It then lists `@metrics.<Class>()`
in `experiment.metrics`.

`metric.identity` is an `Identity`: what the metric measures. Values with different identities are never compared.

A metric of a whole test set, such as the area under a curve, is not a mean over items. For each item it returns the
data that it needs, for example a pair of score and class, and it has `contributions(list of these) -> list of floats`:
one value for each item, whose mean is the metric and whose spread gives its standard error. So all that is computed
from the values of the items also holds for such a metric.

- `classification`; `confusion`: the class that was answered. `behaviour`: whether an item passes a behaviour test.
- `explanations`: how good the map of a classifier's explanation is.
- `segmentation`: of masks, pixel by pixel and by regions; `warping` is a part of it.
- Of a whole test set: `detection` (AUROC, AUPR, AURC, mean confidence) and `calibration`. `influence` makes the
  contributions of a metric of your own.
- Of all generated images together: `parzen` (log-likelihood of the real ones) and `frechet` (distance of features).
- `learning_curves`: accuracy over the number of labels.
- `drift`: tests whether two samples have the same distribution.
- Source separation: `separation` names all metrics. `bss_eval` (with `projections`), `oracles` and `chunk_order` hold
  some of them; `ratios` has what all share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Identity:
    """What a metric measures.

    - `name`: of the metric; claims use it. `better`: "higher" or "lower". `unit`: for example "dB" or "%".
    - `version`: a new number whenever the code of the metric changes its values.
    - `aggregation`: how the value of an item is made of parts of it, for example "mean over sources".
    - `reference`: with what the estimate is compared, for example "clean source".
    - `sample_rate`: in Hz, for sounds. `permutation`: "best" if the best order of the estimates counts.

    Raises ValueError if `name` is empty or `better` is another word.

    >>> Identity("Accuracy", better="higher", reference="class").unit
    ''
    """

    name: str
    better: Literal["higher", "lower"]
    unit: str = ""
    version: int = 1
    aggregation: str = "mean"
    reference: str = "target"
    sample_rate: int | None = None
    permutation: str | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("the identity of a metric has an empty name")
        if self.better not in ("higher", "lower"):
            raise ValueError(f"the identity of {self.name} has better={self.better!r}; expected 'higher' or 'lower'")

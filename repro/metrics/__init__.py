"""Metrics. A metric is a callable: `metric(estimate, target, inputs) -> float`, the value of *one* test item.

Register the class: `@METRICS.register` (`from repro.registry import METRICS`). A config imports its module with
`import repro.metrics.<file>`, or `import papers.<paper>.metric` for a paper's own. It then names `@metrics.<Class>()`.

`metric.identity` describes the measurement. Its keys are `name`, `version`, `unit`, `better` ("higher" or "lower"),
`aggregation`, `reference`, `sample_rate` and `permutation` (None if it does not apply). Values with different
identities are never compared.
"""

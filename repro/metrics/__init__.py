"""Metrics. The contract: `metric(estimate, target, inputs) -> float`, the value of *one* test item.

`metric.identity` says what was measured: `name`, `version`, `unit`, `better` ("higher" or "lower"), `aggregation`,
`reference`, `sample_rate`, `permutation` (None where it has no meaning). Numbers of unlike identity are never compared.
"""

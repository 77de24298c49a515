"""What a training writes: checkpoints, metrics, and the step at which it failed.

No number of a run depends on these modules, because a resumed training is bit-identical to an uninterrupted one.

    checkpoints        when one is written; resuming      checkpoint_file    its format
    metrics_log        metrics.jsonl and TensorBoard      finite             stops at the first NaN
"""

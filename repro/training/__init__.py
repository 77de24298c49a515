"""What a trainer uses to write its output: checkpoints, metrics, and the step at which it met NaN or infinity.

The training loop itself is `repro.trainers.loop`; it calls these modules.

In a run with one process, these modules change no number: a resumed training is bit-identical to an uninterrupted one.

    checkpoints        write a checkpoint from time to time; resume from the newest one
    checkpoint_file    the format of a checkpoint
    metrics_log        metrics.jsonl and TensorBoard
    finite             stop at the first NaN or infinity, and save that step
    processes          several processes of one run: who this is, sums and means over all
    device             the GPU of this process; copies that do not wait
"""

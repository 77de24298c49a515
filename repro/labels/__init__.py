"""Labels that may be wrong: find them, show them to people, and read the corrections back.

    confident    which labels look wrong, from probabilities out of sample (confident learning)
    acquisition  which unlabelled items to annotate next (active learning)
    finding      the suspects of a finished run
    shown        what an annotator sees or hears of an item
    tasks        suspects as tasks of Label Studio, and reading such files
    page         the page of the suspects
    terminal     ask for labels in the terminal
    answers      read the answers of annotators, and add them to the table of their paper

`repro.datasets.label_table` reads and writes that table; `datasets.Relabelled` is a dataset with its labels.
"""

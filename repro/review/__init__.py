"""What a reviewer of a paper needs: `repro review`.

- `page`: the sections of the reviewer's summary. It imports and runs no code of the paper, except for the coverage.
- `changes`: what has changed in the folder since an earlier commit, and which numbers.
- `code`: which parts of the paper name no equation or no shape.
- `coverage`: which lines the tests run.
- `lottery`: the claims to replay, drawn by a seed.
- `form`: start the file of a weekly review; `repro.report.reviews` reads it.

A replay of a reviewer is stored by `repro.rerun.counter_record`.
"""

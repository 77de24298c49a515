"""repro: the place where groups reproduce deep-learning papers.

A **claim** names a config; the **config** names the parts; the **run** fits and measures them; the **record** keeps
the numbers and all that is needed to get them again; the **verdict** sets them beside the claim; the **report**
prints the verdicts.

Where to look:

    registry     the five registries of parts: datasets, models, losses, trainers, metrics
    paper        Paper: a folder in papers/, found and read
    claim        Claim, Cause, Features: what `paper.toml` may say, each key with its meaning
    manifest     `paper.toml` checked, key by key (places: where each stands; hints: does it fit its type;
                 refusals: what a claim must not say)
    schema       the JSON Schema of `paper.toml`
    config       a config as text: includes, places, digest
    statements   what a config says, each statement checked against the parts it names (signature: what may be bound of
                 a part; naming: which binding an error is about)
    binding      gin's door: a config read, bound, and built
    experiment   what a config describes: data, model, loss, trainer, metrics
    preflight    what a run must know before it trains
    run          config + seed -> a run folder -> a record (started: what a run rests on, and whether it goes on;
                 lock: one process at a time; logs: what it says; interruption: being asked to stop;
                 disk: files that are there whole or not at all)
    record       Record: read, write, stale or not
    provenance   digests of a config's code and of the core (git, source: is it as committed; loaded: is it what runs)
    machine      packages, processor, threads, variables that change a number (threads: how many a run computes with)
    stale        why a record cannot decide a claim (cores: older cores that give the same numbers)
    audit        records and renewals, against the commits that they name
    certificate  how far a config's numbers repeat (certify: measured by runs, certify_child: in processes of their own)
    replay       a record run again, and compared (publishing: which record is the paper's; runs: where run folders are)
    renewal      code that has changed since, and gives the same bits (renew, jump, renew_core: measured by runs)
    rot          which papers still run on what is installed (child: a command in a process of its own)
    interval     the 95 % interval of a mean over seeds and items (layout, quantile; contrasts: pairs of many configs)
    evidence     what the records hold of a claim
    verdict      judge(claim, records) -> Verdict (power: what it could have seen)
    ledger       claims that failed, their suspected causes, and what changing each does
    verdicts     `verdicts.json`, and the verdicts as JSON
    launch       claims minus records = a queue of commands
    report       tables, figures and the Sphinx extension
    scaffold     `repro new`: a copy of papers/template
    listing      what there is, as rows and as text
    data         `repro data`: which data sets there are, where each is, whether it is the right one
    progress     the progress bar
    errors       BadInput: one line for what the user gave
    cli          the `repro` command
    fence        what a config of a stranger may name
    plain        JSON read as strictly as it is written
    debug        `repro debug`: one batch through a config before anything long is started
    consistency  what is wrong with a paper, known without a run
    testing      check_paper, check_dataset, check_model, check_loss, check_metric, check_trainer; needs
    audio        the doors to torchaudio, soundfile and nussl
    datasets models losses trainers metrics     the parts that papers share

`import repro` and everything down to `cli` import no torch.
"""

from pathlib import Path

__version__ = "0.1.0"

HOME = Path(__file__).parent
"""The folder of the core."""

"""The report: the site whose every number comes from a record or from `paper.toml`.

The sections of a paper's page, in the order of the page:

    cite              authors, venue and link; BibTeX at the end of the page
    outcome           the bar of verdicts, and the facts (departures, uncertainty)
    disagreements     the claims that failed or were exceeded
    figure            a row per claim: the paper's number and our interval
    claims            the same claims as a table; cells: in the layout of the paper's own tables
    examples          test items: sounds, pictures, texts; pictures: masks, boxes and maps over an image
    confusion         the answers of a classifier by true class; matrix: their counts
    behaviours        behaviour tests: the required share next to the measured one
    curves            learning curves, a panel per config
    sweeps            the points of each sweep, and the effect of each setting
    commands          what you need, and the commands that repeat the runs; scopes, layers
    rot               the dependency check: does the paper still run?
    suspected_causes  why a claim failed, and the effect of each suspected cause
    implementation    the parts that the configs build; mentions: equations that the code names
    origin            the records, and every metric in them

Other pages:

    papers            the landing page: a card per paper; basis: what its verdicts depend on
    comparison        all papers in one table; features: Raff's features of each paper
    parts             the catalogue of parts; source: reads a part's source text
    tips              the tips of all papers, by symptom; symptoms: the list of them
    leaderboard       configs ranked by one metric; entrants, ranking
    metric_curve      a metric over a number in its name, a line per config
    keys              the keys of `paper.toml`; schema: its JSON Schema
    quote             one number in a sentence; sentence: a text with such numbers, plain or as HTML
    verdict_pictures  the guide's picture of each verdict
    spreadsheet       the claims of a paper, and all papers, as CSV

What the sections use:

    page              Page: a paper, its records and verdicts; the MyST text of its page
    evidence          our number, the configs and records that it comes from, the commands
    prose             how `report.md` and `tips.md` are included, and where their links lead
    html/             markup, words, axes, marks, panels, files, listings; it does not use Sphinx
    sphinx/           the extension: directives, roles, rules for a paper's texts, search, the build

Only sphinx/ imports Sphinx and docutils. Nothing here imports torch or matplotlib: figures are SVG, and the style
sheet sets their colours.
"""

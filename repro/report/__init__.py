"""The report: the site whose every number comes from a record or from `paper.toml`.

Where to look:

    site        `repro report`: builds docs/ with Sphinx
    sphinx      the extension: pages, and the files beside them
    directives  what a page may ask for; it, `guard`, `roles` and `sphinx` alone import sphinx and docutils
    guard       how a paper's own texts are read: directives and roles by a list, HTML is text
    roles       numbers and verdicts in a sentence
    changes     what a document prints, as digests: which pages are read again
    page        Page: a paper, its records and its verdicts; the generated page as MyST
    markup      tag(): HTML and SVG whose text is always escaped
    words       numbers, intervals, times and counts as one says them
    papers      the landing page: a row per paper
    features    what goes with success, set against how the papers came out
    keys        the keys of paper.toml, from the types that check them
    departures  how many departures from the paper its report lists
    outcome     the bar of outcomes with its counts in words, and a paper's facts
    figure      a row per claim: what the paper says, what the records say
    marks       what is drawn on an axis: a mean with its interval, bands, lines, the scale
    axis        a range of numbers, its ticks, and where a number stands on it
    claims      the same rows as a table, with records, configs and commands
    disagreements  the claims that came out otherwise, and what is known of the reason
    cells       the claims of one table of the paper, laid out as it is printed
    evidence    our number, the configs and records behind it, what to type
    spreadsheet the claims of a paper, and all papers, as CSV
    ledger      the suspected causes of what came out otherwise, and what changing each does
    leaderboard configs ranked by one metric, and which of them are told apart
    ranking     their order, the pairs and the ranks that stay open; pure
    entrants    which configs those are, and whether they can be compared
    curves      learning curves, a panel per config
    examples    sounds, pictures and texts of test items, with what was answered
    commands    what to type, with the time it took and where
    rot         on which packages a paper still runs, and when that was tried
    origin      where each record comes from, and every metric in it
    cite        how a paper is cited: a line, and BibTeX
    quote       one number in a sentence
    parts       the catalogue of parts, an entry each
    source      a part as its source text tells it: parameters, docstrings, letters of shapes
    implementation  the parts that a paper's configs build, and where the paper stands in its code
    mentions    the lines of code that name an equation, a section, a table of the paper
    tips        `tips.md` read by symptom, in the one form it may have
    api         what sphinx.ext.autodoc is told, for the page of the API
    prose       `report.md` and `tips.md`: how they join the page, where their links lead
    files       records, configs and sources beside the pages, so that every link works offline

Nothing here imports torch or matplotlib: a figure is a few lines of SVG whose colours the style sheet gives.
"""

"""Watch a model that is used: has what people send to it changed since its training?

log         the log of a service, one JSON line for each answer: write it, read it
summary     the numbers that the log stores of an input: an image, a sound, a text
reference   what is expected: the first answers of a log, another log, or the answers of a record to its test set
checks      the tests of one window of a log against the reference
watching    all windows of a log; the verdict
page        the result as an HTML file
"""

"""Watch a model that is used: has what people send to it changed since its training?

log         the log of a service, one JSON line for each answer: write it, read it
summary     the numbers that the log stores of an input: an image, a sound, a text
"""

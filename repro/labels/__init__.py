"""Labels that may be wrong: find them, show them to people, and read the corrections back.

confident    which labels look wrong, from probabilities out of sample (confident learning)
"""

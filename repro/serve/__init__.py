"""A trained model as a service, and its page for a person. `repro serve` calls this package.

    trained        the model of a record, with the weights of its run or of an exported file
    exported       an exported file, with the record and the model card next to it
    unfinished     a run that is not finished, and its newest checkpoint
    inputs         what a request sends, as the inputs of the model: an image, a sound, a text, numbers
    outputs        what the model returns, as JSON
    decoding       files and numbers of strangers, decoded
    batches        answers requests that wait at the same time together
    service        the answers to a batch of requests, and their log
    app            the addresses of the service: /predict, /health, /model, /docs
    running        the socket and the server
    documentation  the page at /docs, without a request to another server
    page           the page for a person (Streamlit)
    examples       what the page is about: a test item, or what the visitor sends, with the answer
    explained      pictures, and the explanation of an answer about an image

The service reads the files of the record and of its data when it starts. A request cannot name a file.
"""

from __future__ import annotations

import importlib
from typing import Any

from repro.errors import BadInput


def needed(module: str, extra: str) -> Any:
    """Import a library of an extra. Raises BadInput, with the command that installs it, if it is missing.

    >>> needed("json", "serve").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise BadInput(
            f"{module.split('.')[0]} is not installed", expected=f"pip install 'repro-papers[{extra}]'"
        ) from None

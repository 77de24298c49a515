"""The page for a person: send an example of your own or choose a test item, and see answer, confidence, explanation.

Streamlit runs this file again after each click. `repro serve RUN --page` starts it, so that it calls no other server.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import streamlit as st
import torch

from repro.errors import BadInput
from repro.serve import explained, outputs, trained
from repro.serve.service import Service

FILES = {"image": ["png", "jpg", "jpeg", "bmp"], "sound": ["wav", "flac"]}


@st.cache_resource
def served(run: str, weights: str, stale: bool, test: str) -> Service:
    """The model, loaded once for all visitors."""
    found = trained.find(run, Path(weights) if weights else None, stale)
    return Service(trained.load(found), test)


def chosen(one: Service) -> tuple[Any, Any, str]:
    """(what to show, inputs of the model, the truth) that the visitor has chosen; all None or "" without a choice."""
    ways = ["A test item", *([f"Your own {one.reader.kind}"] if one.reader.kind else [])]
    if st.radio("What should the model answer?", ways) == ways[0]:
        index = int(st.number_input("Number of the item", 0, len(one.dataset) - 1, 0))
        return one.reader.origin[index][0], one.dataset[index][0], explained.truth(one, index)
    if one.reader.kind == "text":
        content = st.text_area("Your text").encode()
    else:
        file = st.file_uploader(f"Your {one.reader.kind}", FILES[one.reader.kind])
        content = file.getvalue() if file else b""
    return (*one.reader.read(one.reader.kind, content), "") if content else (None, None, "")


def show(one: Service, raw: Any, inputs: Any, truth: str) -> None:
    """Show an input, the answer and the explanation."""
    found = outputs.shown(one.trained.built.estimate(inputs), one.classes)
    if isinstance(raw, str):
        st.text(raw)
    elif one.reader.kind == "sound":
        st.audio(raw.numpy(), sample_rate=one.reader.origin.sample_rate)
    elif explained.is_image(raw):
        st.image(explained.picture(raw), caption="what the model sees")
    if one.classes is None:
        st.json(found["answer"])
        return
    st.metric(
        f"Answer{f' (truth: {truth})' if truth else ''}", found["class"], f"{found['probability']:.1%} confident", "off"
    )
    st.table(explained.likely(found["probabilities"], one.classes))
    if explained.possible(one, inputs):
        name = st.selectbox("Explanation", list(explained.METHODS))
        st.image(explained.overlay(one, inputs, found["number"], name), caption=explained.MEANING)


def main(run: str, weights: str, stale: str, test: str) -> None:
    """The page. The words are those after `--` of the command."""
    st.set_page_config(page_title=f"repro serve {run}")
    try:
        one = served(run, weights, stale == "stale", test)
        st.title(one.trained.name)
        st.caption(f"weights {one.trained.checkpoint[:16]}; {explained.measured(one)}")
        raw, inputs, truth = chosen(one)
        if inputs is not None:
            show(one, raw, inputs, truth)
    except BadInput as error:
        st.error(str(error))


if __name__ == "__main__":
    torch.set_num_threads(1)  # Streamlit answers each visitor in a thread of its own
    main(*sys.argv[1:5])

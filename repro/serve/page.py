"""The page for a person: choose a test item or send an example of your own, and see the answer and its explanation.

Streamlit runs this file again after each click. `repro serve RUN --page` starts it, so that it calls no other server.
"""

import sys

import streamlit as st

from repro.errors import BadInput
from repro.serve import examples, explained


def chosen(one: examples.Service) -> examples.Example | None:
    """What the visitor has chosen; None before that."""
    own = f"Your own {one.reader.kind}"
    if st.radio("What should the model answer?", ["A test item", own] if one.reader.kind else ["A test item"]) != own:
        return examples.of_test(one, st.number_input("Number of the item", 0, len(one.dataset) - 1))
    if one.reader.kind == "text":
        return examples.own(one, st.text_area(own).encode())
    file = st.file_uploader(own, examples.FILES[one.reader.kind])
    return examples.own(one, file.getvalue()) if file else None


try:
    one = st.cache_resource(examples.served)(*sys.argv[1:])  # it is loaded once for all visitors
    st.set_page_config(page_title=one.trained.name)
    st.title(one.trained.name)
    st.caption(examples.measured(one))
    if example := chosen(one):
        getattr(st, example.kind)(example.content)  # st.text, st.audio or st.image
        for column, row in zip(st.columns(3), examples.answer(one, example).items(), strict=False):
            column.metric(*row)
        st.table(examples.likely(one, example))
        if explained.possible(one, example.inputs):
            method = st.selectbox("Explanation", list(explained.METHODS))
            st.image(explained.overlay(one, example.inputs, method))
            st.caption(explained.MEANING)
except BadInput as error:
    st.error(str(error))

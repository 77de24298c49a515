"""The reviews that are written by hand: a dataset, half of each class, and none of them is from IMDb."""

from __future__ import annotations

from papers.imdb_ladder.by_hand import ReviewsByHand
from repro.datasets.imdb import Imdb
from repro.testing import check_dataset, needs


def test_half_of_the_reviews_are_positive_and_no_text_occurs_twice() -> None:
    reviews = ReviewsByHand()
    check_dataset(reviews)
    assert sorted(set(reviews.labels)) == [0, 1] and 2 * sum(reviews.labels) == len(reviews)
    assert len(set(reviews.texts)) == len(reviews) and all(text.strip() for text in reviews.texts)


@needs("imdb/test")
def test_no_review_is_from_imdb() -> None:
    assert not set(ReviewsByHand().texts) & {text for split in ("train", "test") for text in Imdb(split).texts}

"""Checks that the tests of a paper call on its files and its parts.

    from repro.testing import check_model
    def test_model():
        check_model(EmbeddingNetwork(...), inputs=torch.rand(3, 20, 129))

`parts` has these checks, `adversarial` those of a generator and its discriminator. `contract` lists the checks of
`repro check`, which import no part and no torch. They are in `consistency` (claims, causes, records, tips),
`part_names` (parts), `config_text` (configs), `report_text` (`report.md`), `contents` (all files of the folder),
`own_tests` and `review_files`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.testing.parts import apply as apply
    from repro.testing.parts import check_dataset as check_dataset
    from repro.testing.parts import check_loss as check_loss
    from repro.testing.parts import check_metric as check_metric
    from repro.testing.parts import check_model as check_model
    from repro.testing.parts import check_paper as check_paper
    from repro.testing.parts import check_smoke as check_smoke
    from repro.testing.parts import check_trainer as check_trainer
    from repro.testing.parts import dead_parameters as dead_parameters
    from repro.testing.parts import needs as needs
    from repro.testing.parts import same as same
    from repro.testing.parts import seeded as seeded
    from repro.testing.parts import shortened as shortened

__all__ = [
    *("check_dataset", "check_loss", "check_metric", "check_model", "check_paper", "check_smoke", "check_trainer"),
    *("apply", "dead_parameters", "needs", "same", "seeded", "shortened"),
]


def __getattr__(name: str) -> Any:
    """Import `parts` on first use, because it imports torch, which `repro check` does not need."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from repro.testing import parts

    return getattr(parts, name)

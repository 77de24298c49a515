"""The processes of one run: which of them this is, and what they exchange.

A run may have several processes, on one machine or on several. They are started by `repro run CONFIG --processes N`, by
torchrun, or by another program that sets its environment variables. All train the same model: each computes its share
of every batch, and the gradients are averaged. Process 0 writes the run's files.

A call of a function here waits for the other processes, so all must make the same calls in the same order.
"""

from __future__ import annotations

import datetime
import logging
import os
import random
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from repro import interruption
from repro.errors import BadInput

if TYPE_CHECKING:
    import torch

NEEDED = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""The variables of torchrun that describe the processes of a run."""
MEETING = "REPRO_MEETING"
"""The variable with the address where the processes meet, in place of MASTER_ADDR and MASTER_PORT."""
OTHERS = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""The variables of MPI with the number of processes; with these alone, the processes cannot find each other."""
PATIENCE = datetime.timedelta(minutes=30)  # that a process waits for another one, for example while one prepares data

Value = TypeVar("Value")
log = logging.getLogger("repro")

_count, _rank = 1, 0  # while `joined` is active


class Lost(interruption.Interrupted):
    """Another process of the run has ended, so this one stops; the same command resumes the run."""


def announced() -> int:
    """The number of processes that the environment announces; 1 without such variables.

    Raises BadInput if the variables are incomplete or wrong.
    """
    for name in (*NEEDED[:3], "LOCAL_WORLD_SIZE", *OTHERS):
        least = 0 if name.endswith("RANK") else 1
        if name in os.environ and not (re.fullmatch(r"\d{1,9}", os.environ[name]) and int(os.environ[name]) >= least):
            raise BadInput(f"{name} is {os.environ[name]!r}", expected=f"a whole number from {least}, or nothing")
    if "WORLD_SIZE" not in os.environ and (names := [name for name in OTHERS if os.environ.get(name, "1") != "1"]):
        raise BadInput(f"{names[0]} is {os.environ[names[0]]}, but WORLD_SIZE is not set", expected=_expected())
    given = [name for name in NEEDED[:3] if name in os.environ]
    needed = NEEDED[:3] if MEETING in os.environ else NEEDED
    if given and (lacking := [name for name in needed if not os.environ.get(name)]):
        if given == ["WORLD_SIZE"] and os.environ["WORLD_SIZE"] == "1":
            return 1
        raise BadInput(f"{given[0]} is set, but {lacking[0]} is not", expected=_expected())
    if given:
        _refuse_contradictions()
    return int(os.environ.get("WORLD_SIZE", "1"))


def _refuse_contradictions() -> None:
    """Raise BadInput if two of the variables contradict each other, or the place where the processes meet is none."""
    everywhere = int(os.environ["WORLD_SIZE"])
    here = int(os.environ.get("LOCAL_WORLD_SIZE", everywhere))
    for name, least, most, limit in [
        ("RANK", 0, everywhere - 1, f"a number below WORLD_SIZE={everywhere}"),
        ("LOCAL_WORLD_SIZE", 1, everywhere, f"at most WORLD_SIZE={everywhere}"),
        ("LOCAL_RANK", 0, here - 1, f"a number below the {here} processes of this machine"),
        *([] if MEETING in os.environ else [("MASTER_PORT", 1, 65535, "the number of a port, from 1 to 65535")]),
    ]:
        given = os.environ.get(name, str(least))
        if not re.fullmatch(r"\d{1,9}", given) or not least <= int(given) <= most:
            raise BadInput(f"{name} is {given!r:.60}", expected=limit)


def _expected() -> str:
    return f"all of {', '.join(NEEDED)}, as torchrun sets them, or none of them"


def first() -> bool:
    """Whether this is process 0, according to the environment. It is also true for the only process of a run."""
    return os.environ.get("RANK", "0") == "0"


def count() -> int:
    """The number of processes that compute together now."""
    return _count


def rank() -> int:
    """The number of this process among those that compute together now; 0 for a single one."""
    return _rank


def on_this_machine() -> int:
    """The number of processes of this run on this machine, according to the environment."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", announced()))


@contextmanager
def joined() -> Iterator[None]:
    """Connect the processes that the environment announces; does nothing for a single one.

    All but process 0 ignore signals, because process 0 decides when the run stops; then they end with Lost. Raises Lost
    if the others cannot be reached, BadInput if this machine has fewer GPUs than processes or MASTER_ADDR is unknown.
    """
    global _count, _rank
    number = announced()
    if number == 1:
        yield
        return
    import torch
    from torch import distributed

    if not first():
        interruption.ignore()
    if torch.cuda.is_available():
        _own_gpu(torch.cuda.device_count())
    if MEETING not in os.environ:
        _refuse_unknown(os.environ["MASTER_ADDR"])
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    with _exchange():
        address, own = os.environ.get(MEETING, "env://"), int(os.environ["RANK"])
        distributed.init_process_group(backend, address, PATIENCE, number, own)
    _count, _rank = number, own
    if own == 0:
        here = on_this_machine()
        log.info("%d processes share this run%s", number, "" if here == number else f", {here} of them on this machine")
    try:
        yield
        with _exchange():
            distributed.barrier()  # otherwise a process that ends first may break the connection of another
    finally:
        _count, _rank = 1, 0
        distributed.destroy_process_group()


def _refuse_unknown(host: str) -> None:
    """Raise BadInput if no address belongs to the name of a machine: torch would try again for `PATIENCE`."""
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        raise BadInput(f"MASTER_ADDR is {host!r:.60}, which has no address", expected="the name of a machine") from None


def _own_gpu(visible: int) -> None:
    import torch

    local = int(os.environ["LOCAL_RANK"])
    if local >= visible:
        raise BadInput(
            f"process {local} of this machine has no GPU: {visible} is visible", expected=f"at most {visible} processes"
        )
    torch.cuda.set_device(local)


@contextmanager
def _exchange() -> Iterator[None]:
    """Raise Lost for an error of the connection between the processes."""
    try:
        yield
    except RuntimeError as error:
        raise Lost(f"another process of this run has ended ({str(error).splitlines()[0]:.200})") from error


def from_first(make: Callable[[], Value]) -> Value:
    """What `make()` returns in process 0. The other processes do not call it."""
    if _count == 1:
        return make()
    from torch import distributed

    found = [make() if _rank == 0 else None]
    with _exchange():
        distributed.broadcast_object_list(found)
    return found[0]  # type: ignore[return-value]  # the object of process 0


def average(tensors: list[torch.Tensor]) -> None:
    """Replace each tensor by its mean over all processes, in place. Every process has tensors of the same shapes."""
    if _count == 1:
        return
    import torch

    groups: dict[Any, list[torch.Tensor]] = {}
    for tensor in tensors:
        groups.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    for group in groups.values():
        flat = torch.cat([tensor.reshape(-1) for tensor in group])
        add(flat)
        parts = (flat / _count).split([tensor.numel() for tensor in group])
        for tensor, part in zip(group, parts, strict=True):
            tensor.copy_(part.view_as(tensor))


def add(tensor: torch.Tensor) -> torch.Tensor:
    """Replace a tensor by its sum over all processes, in place."""
    if _count > 1:
        from torch import distributed

        with _exchange():
            distributed.all_reduce(tensor)
    return tensor


def same(tensors: list[torch.Tensor]) -> None:
    """Replace each tensor by that of process 0, in place."""
    if _count > 1:
        from torch import distributed

        with _exchange():
            for tensor in tensors:
                distributed.broadcast(tensor, 0)


def share(items: int, group: int = 1) -> range | list[int]:
    """The indices of this process's share of `items` items, in groups of `group` neighbours.

    >>> share(5)
    range(0, 5)
    """
    if _count == 1:
        return range(items)
    starts = range(_rank * group, items, _count * group)
    return [index for start in starts for index in range(start, min(start + group, items))]


def merged(rows: Mapping[int, Value]) -> list[Value]:
    """The rows of all processes in the order of their keys; each process gives those of its share.

    >>> merged({0: "a", 1: "b"})
    ['a', 'b']
    """
    found: list[Any] = [rows]
    if _count > 1:
        from torch import distributed

        found = [None] * _count
        with _exchange():
            distributed.all_gather_object(found, rows)
    together = {key: row for one in found for key, row in one.items()}
    return [together[key] for key in sorted(together)]


def part(batch: list[int]) -> list[int]:
    """This process's part of a batch: consecutive items, as many for each process.

    >>> part([4, 2, 7, 1])
    [4, 2, 7, 1]
    """
    size = len(batch) // _count
    return batch[_rank * size : (_rank + 1) * size]


def seed_step(seed: int, step: int) -> None:
    """Before a step: give all but process 0 random numbers of their own, for example for dropout.

    They depend on `seed`, the process and the step alone, so a checkpoint need not store them. Process 0 goes on with
    its random state, as the only process of a run does.
    """
    if _rank == 0:
        return
    import numpy as np
    import torch

    own = int(np.random.SeedSequence([seed, _rank, step]).generate_state(1)[0])
    torch.manual_seed(own)
    random.seed(own)
    np.random.seed(own)  # noqa: NPY002  # the code of a paper may use it

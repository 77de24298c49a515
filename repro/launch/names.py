"""Which run a name on the command line means: a part of its name, its folder, or the id of its job in Slurm."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from repro.errors import BadInput, close
from repro.launch import slurm
from repro.launch.status import Status, all_runs, of_folder, same
from repro.run import resume

JOB = re.compile(r"\d+(_\d+)?")  # the id of a job in Slurm, or of an array of jobs


def find(name: str) -> Status:
    """The run `name`: a path, or PAPER/CONFIG-seedN, or a part of that, or the id of its job, such as 12_3.

    It may be in the queue alone, without a folder. Of several runs, the one that runs. Raises BadInput, with the
    nearest name, if there is not exactly one.
    """
    if (Path(name) / resume.FILE).is_file():
        return _in(Path(name))
    rows, wanted = all_runs(), name.rstrip("/")
    if JOB.fullmatch(wanted):  # it is a part of many digests too
        found = _of_job(wanted, rows)
    else:
        exact = [one for one in rows if wanted in one.names]
        found = exact or [one for one in rows if any(wanted in each for each in one.names)]
    found = [one for one in found if one.state == "running"] or found
    if len(found) > 1:
        raise BadInput(f"{len(found)} runs are called '{name}'", expected=f"one of {', '.join(_typed(found)[:4])}")
    if not found:
        known = {each for one in rows for each in (*one.names, *filter(None, [one.job]))}
        near = close(name, known)
        raise BadInput(f"no run '{name}'", given=name, known=known if near else dict.fromkeys(_typed(rows)))
    return found[0]


def _typed(rows: list[Status]) -> list[str]:
    """A name for each run that means only this one: as in the table, or with the digest if several have that name."""
    counts = Counter(one.run for one in rows)
    return [one.run if counts[one.run] == 1 or not one.folder else one.names[-1] for one in rows]


def _in(folder: Path) -> Status:
    """The run in a folder, also if it is in none of the folders that `repro status` lists."""
    there = folder.resolve()
    folder = folder if len(folder.parts) > 2 and ".." not in folder.parts else there
    listed = (one for one in all_runs() if one.folder and Path(one.folder).resolve() == there)
    return next(listed, None) or of_folder(folder)


def _of_job(job: str, rows: list[Status]) -> list[Status]:
    """The runs of a job, or of an array of jobs, that is in Slurm, else the run of a job that has ended."""
    there = [one for one in rows if one.job and job in (one.job, one.job.partition("_")[0])]
    ended = same(slurm.ended(job))
    return there or [one for one in rows if one.same == ended]

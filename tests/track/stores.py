"""What each tracker has stored, read by its own reader: (settings, curves, results, about) of each run by its id.

W&B has no reader of its offline files in Python any more. They are a log of LevelDB with W&B's own messages, so the
log is read here and the messages by `wandb.proto`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BLOCK, HEADER = 32768, 7
Curves = dict[str, list[tuple[int, float]]]


@dataclass
class Stored:
    """One run, as its tracker has it."""

    name: str
    settings: dict[str, Any]
    curves: Curves = field(default_factory=dict)
    results: dict[str, float] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    times: set[float] = field(default_factory=set)


def wandb(folder: Path) -> dict[str, list[Stored]]:
    found: dict[str, list[Stored]] = {}
    for path in sorted(folder.glob("wandb/offline-run-*/run-*.wandb")):
        records = list(_messages(path))
        run = next(one.run for one in records if one.HasField("run"))
        config = {item.key: json.loads(item.value_json) for item in run.config.update}
        about = config.pop("repro")
        config.pop("_wandb", None)
        one = Stored(run.display_name, config, about=about, tags=list(run.tags))
        for message in records:
            if message.HasField("history"):
                _add(one, {_key(item): json.loads(item.value_json) for item in message.history.item})
            if message.HasField("summary"):
                one.results |= {
                    _key(item): json.loads(item.value_json)
                    for item in message.summary.update
                    if _key(item).startswith("result/")
                }
        found.setdefault(run.run_id, []).append(one)
    return found


def _key(item: Any) -> str:
    return item.key or "/".join(item.nested_key)


def _add(one: Stored, row: dict[str, Any]) -> None:
    one.times.add(row["_timestamp"])
    for name, value in row.items():
        if not name.startswith("_"):
            one.curves.setdefault(name, []).append((row["_step"], value))


def _messages(path: Path) -> Iterator[Any]:
    from wandb.proto import wandb_internal_pb2

    for content in _entries(path.read_bytes()):
        message = wandb_internal_pb2.Record()
        message.ParseFromString(content)
        yield message


def _entries(data: bytes) -> Iterator[bytes]:
    """The entries of a log of LevelDB: blocks of 32 KiB with pieces, each with checksum, length and kind."""
    assert data[:4] == b":W&B"
    place, entry = HEADER, b""
    while place + HEADER <= len(data):
        if BLOCK - place % BLOCK < HEADER:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + HEADER])
        entry += data[place + HEADER : place + HEADER + length]
        place += HEADER + length
        if kind in (1, 4):  # whole, or the last piece
            yield entry
            entry = b""


def mlflow(folder: Path) -> dict[str, list[Stored]]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder.absolute()}/mlflow.db")
    found: dict[str, list[Stored]] = {}
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id]):
            tags = run.data.tags
            about = {key.removeprefix("repro."): text for key, text in tags.items() if key.startswith("repro.")}
            one = Stored(run.info.run_name, run.data.params, about=about, tags=[tags["paper"], tags["seed"]])
            for key in run.data.metrics:
                rows = client.get_metric_history(run.info.run_id, key)
                one.times |= {row.timestamp / 1000 for row in rows}
                if key.startswith("result/"):
                    one.results[key] = rows[-1].value
                else:
                    one.curves[key] = [(row.step, row.value) for row in rows]
            found.setdefault(tags["repro.id"], []).append(one)
    return found


def tensorboard(folder: Path) -> dict[str, list[Stored]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    found: dict[str, list[Stored]] = {}
    for path in sorted(place.parent for place in folder.rglob("events.*")):
        events = EventAccumulator(str(path), size_guidance={"scalars": 0})
        events.Reload()
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        hparams = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
        settings = {name: getattr(value, value.WhichOneof("kind")) for name, value in hparams.items()}
        texts = {
            tag.removeprefix("repro/").removesuffix("/text_summary"): events.Tensors(tag)[0]
            .tensor_proto.string_val[0]
            .decode()
            for tag in events.Tags()["tensors"]
            if tag.startswith("repro/")
        }
        one = Stored(path.name.rpartition("-")[0], settings, about=texts, tags=texts["tags"].split(", "))
        for tag in events.Tags()["scalars"]:
            rows = events.Scalars(tag)
            one.times |= {row.wall_time for row in rows}
            if tag.startswith("result/"):
                one.results[tag] = rows[-1].value
            else:
                one.curves[tag] = [(row.step, row.value) for row in rows]
        found.setdefault(texts["id"], []).append(one)
    return found


def trackio(folder: Path) -> dict[str, list[Stored]]:
    """Trackio's database, read by sqlite: its own reader keeps one connection for each process."""
    import sqlite3

    found: dict[str, list[Stored]] = {}
    for path in folder.glob("*.db"):
        with sqlite3.connect(path) as base:
            for run, name, text in base.execute("SELECT run_id, run_name, config FROM configs"):
                config = {key: value for key, value in json.loads(text).items() if not key.startswith("_")}
                about = {key.removeprefix("repro/"): config.pop(key) for key in [*config] if key.startswith("repro/")}
                one = Stored(name, config, about=about, tags=config.pop("tags").split(", "))
                query = "SELECT step, metrics FROM metrics WHERE run_id = ? ORDER BY id"
                for step, values in base.execute(query, (run,)):
                    for key, value in json.loads(values).items():
                        if key.startswith("result/"):
                            one.results[key] = value
                        else:
                            one.curves.setdefault(key, []).append((step, value))
                found.setdefault(run, []).append(one)
        base.close()
    return found

"""Result folders that somebody else wrote: seeded changes of a real one, file by file."""

from __future__ import annotations

import copy
import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa
from pyarrow import parquet
from ruamel.yaml import YAML

DELETED = object()
VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 0.5, -0.5, 2, 10**6, 10**11, 10**12, 2**31, 2**63, 10**30, 1e308, -1e308, 1e-300,
    "", "x", "NaN", "1", "../../x", "<script>alert(1)</script>", "\u202e\x1b[2J\n::error::x", "x" * 5000,
    [], {}, [[]], [None], [1, "a"], {"a": {"b": [1]}}, [{}], ["x", "x"],
)  # fmt: skip
JSON_FILES = (
    "manifest.json",
    "summary.json",
    "comparisons.json",
    "tuning.json",
    "latency.json",
    "gates.json",
)
LINES = ("failures.jsonl",)
TABLES = ("scores.parquet", "calls.parquet", "texts.parquet", "values.parquet", "run_latencies.parquet")
CELLS: tuple[Any, ...] = (
    None,
    -1,
    0,
    1,
    2**31,
    2**62,
    1e308,
    -1e308,
    float("inf"),
    float("nan"),
    0.5,
    "",
    "x",
    "\x1b[2J\n",
)


def change_one(folder: Path, name: str, draw: random.Random) -> str:
    """Change one file of a result folder or of a baseline; return what was done."""
    path = folder / name
    if name.endswith(".parquet"):
        return _change_table(path, draw)
    if name.endswith(".gz"):
        return _change_packed(path, draw)
    if name.endswith(".yaml"):
        data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        changed, what = _changed(data, draw)
        path.write_bytes(orjson.dumps(_json(changed)))  # JSON is YAML
        return what
    if name.endswith(".jsonl"):
        rows = [orjson.loads(line) for line in path.read_bytes().splitlines()] or [{}]
        changed, what = _changed(rows, draw)
        path.write_bytes(b"".join(orjson.dumps(_json(row)) + b"\n" for row in changed or []))
        return what
    if draw.random() < 0.05:
        return _damage_bytes(path, draw)
    changed, what = _changed(orjson.loads(path.read_bytes()), draw)
    path.write_bytes(_dump(changed))
    return what


def _json(value: Any) -> Any:
    """Return a value whose integers orjson can write."""
    if isinstance(value, dict):
        return {str(key): _json(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_json(child) for child in value]
    return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value


def _dump(value: Any) -> bytes:
    return orjson.dumps(_json(value))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = (
        value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    )
    for key, child in items:
        yield from _paths(child, (*path, key))


def _changed(data: Any, draw: random.Random) -> tuple[Any, str]:
    """Return plain values with one to three of them replaced, deleted, repeated or taken from elsewhere."""
    data = copy.deepcopy(data)
    done = []
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        paths = [path for path in _paths(data) if path]
        if not paths:
            break
        path = draw.choice(paths)
        owner = data
        for step in path[:-1]:
            owner = owner[step]
        value = draw.choice((*VALUES, DELETED, "other", "number"))
        if value is DELETED:
            del owner[path[-1]]
        elif value == "number" and isinstance(owner[path[-1]], int | float):
            owner[path[-1]] = owner[path[-1]] * draw.choice((-1, 2, 1000, 10**9))
        elif value == "other":
            found = data
            for step in draw.choice(paths):
                try:
                    found = found[step]
                except (KeyError, IndexError, TypeError):
                    break
            owner[path[-1]] = copy.deepcopy(found)
        else:
            owner[path[-1]] = copy.deepcopy(value)
        done.append(f"{'.'.join(map(str, path))}={'DELETED' if value is DELETED else repr(value)[:40]}")
    return data, "; ".join(done)


def _change_table(path: Path, draw: random.Random) -> str:
    how = draw.choice(("cells", "cells", "cells", "column", "rows", "type", "bytes"))
    if how == "bytes":
        return _damage_bytes(path, draw)
    frame = parquet.read_table(path).to_pandas()
    name = draw.choice(list(frame.columns))
    if how == "column":
        act = draw.choice(("drop", "rename", "null", "twice"))
        if act == "drop":
            frame = frame.drop(columns=name)
        elif act == "rename":
            frame = frame.rename(columns={name: "x"})
        else:
            frame[name] = None
        _save(frame, path)
        return f"{act} column {name}"
    if how == "rows":
        act = draw.choice(("twice", "none", "some", "shuffle", "one"))
        frame = {
            "twice": lambda: pd.concat([frame, frame]), "none": lambda: frame.iloc[:0],
            "some": lambda: frame.sample(frac=0.5, random_state=1), "one": lambda: frame.iloc[:1],
            "shuffle": lambda: frame.assign(**{name: frame[name].sample(frac=1, random_state=1).to_numpy()}),
        }[act]()  # fmt: skip
        _save(frame, path)
        return f"{act} rows ({name})"
    if how == "type":
        kind = draw.choice(
            (
                pa.string(),
                pa.int8(),
                pa.float32(),
                pa.bool_(),
                pa.binary(),
                pa.list_(pa.int64()),
                pa.timestamp("s"),
                pa.large_string(),
            )
        )
        table = parquet.read_table(path)
        try:
            column = table[name].cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            column = pa.nulls(len(table), kind)
        parquet.write_table(table.set_column(table.column_names.index(name), name, column), path)
        return f"type of {name}: {kind}"
    value = draw.choice(CELLS)
    rows = slice(None) if draw.random() < 0.4 else draw.randrange(max(len(frame), 1))
    values = frame[name].astype(object).tolist()
    for row in range(len(values)) if isinstance(rows, slice) else [rows]:
        if row < len(values):
            values[row] = value
    frame[name] = pd.Series(values, index=frame.index, dtype=object)
    _save(frame, path)
    return f"{name}[{rows}]={value!r}"


def _save(frame: pd.DataFrame, path: Path) -> None:
    arrays = {}
    for name in frame.columns:
        try:
            arrays[name] = pa.array(frame[name], from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            arrays[name] = pa.array([None if pd.isna(x) else str(x) for x in frame[name]])
    parquet.write_table(pa.table(arrays), path)


def _change_packed(path: Path, draw: random.Random) -> str:
    if draw.random() < 0.2:
        return _damage_bytes(path, draw)
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    if ".jsonl" in path.name:
        changed, what = _changed([orjson.loads(line) for line in lines], draw)
        path.write_bytes(gzip.compress(b"".join(orjson.dumps(_json(row)) + b"\n" for row in changed)))
        return what
    row = draw.randrange(len(lines))
    words = lines[row].split(" ")
    place = draw.randrange(len(words))
    words[place] = draw.choice(("", "x", "-1", "0", "1e300", "1" + "0" * 300, "NaN", "\u202e", "2.0", "999"))
    lines[row] = " ".join(words)
    path.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    return f"line {row} word {place} = {words[place][:20]!r}"


def _damage_bytes(path: Path, draw: random.Random) -> str:
    content = bytearray(path.read_bytes())
    if draw.random() < 0.3:
        end = draw.randrange(len(content) + 1)
        path.write_bytes(bytes(content[:end]))
        return f"cut at {end}"
    for _ in range(3):
        if content:
            content[draw.randrange(len(content))] = draw.randrange(256)
    path.write_bytes(bytes(content))
    return "three bytes"

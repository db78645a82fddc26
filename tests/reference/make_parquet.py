#!/usr/bin/env python3
"""Writes small.parquet and bad_utf8.parquet, files of pyarrow's making for tests/io/parquet_test.cc.

small.parquet: 3,000 rows in row groups of 700, so that batches and groups begin at different rows;
each kind of column, with nulls, and two compressions. bad_utf8.parquet: row 3 of 4 is no UTF-8.

    pip install pyarrow
    python3 tests/reference/make_parquet.py
"""

import datetime
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).parent
ROWS = 3000


def small():
    numbers = list(range(ROWS))
    kinds = ["even" if i % 2 == 0 else "odd" for i in numbers]
    return pa.table(
        {
            "text": pa.array([None if i == 1 else f"row {i} é" for i in numbers]),
            "large": pa.array([f"L{i}" for i in numbers], pa.large_string()),
            "kind": pa.array(kinds).dictionary_encode(),
            "number": pa.array(numbers, pa.int32()),
            "half": pa.array([i / 2 for i in numbers], pa.float64()),
            "is_even": pa.array([i % 2 == 0 for i in numbers]),
            "words": pa.array([["a"] * (i % 3) for i in numbers], pa.list_(pa.string())),
            "messages": pa.array(
                [[{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": f"a{i}"}]
                 for i in numbers]),
            "day": pa.array([datetime.date(2020, 1, 1)] * ROWS),
        })


def bad_utf8():
    data = b"onetwo\xc3(four"
    offsets = pa.array([0, 3, 6, 8, 12], pa.int32())
    return pa.table({"text": pa.Array.from_buffers(
        pa.string(), 4, [None, offsets.buffers()[1], pa.py_buffer(data)])})


def main():
    pq.write_table(small(), FOLDER / "small.parquet", row_group_size=700,
                   compression={"text": "zstd", "large": "gzip", "words.list.element": "none"})
    pq.write_table(bad_utf8(), FOLDER / "bad_utf8.parquet", compression="none")


if __name__ == "__main__":
    main()

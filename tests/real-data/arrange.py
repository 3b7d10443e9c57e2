"""Writes the flights in other orders, each as Parquet with the columns of the source.

    tests/duckdb/python tests/real-data/arrange.py [--force] [--sample]

From target/real-data/flights-3m.parquet (see `fetch`), in which the rows are *filed* in order of `date`:

  flights-known.parquet             ordered by `date + max(delay, 0)` minutes, when each flight was
                                    really known; ties in filed order
  flights-filed-duplicates.parquet  filed order, 1 % of the rows twice
  flights-known-duplicates.parquet  order of arrival, the same 1 % of the rows twice

A row is given twice if its offset in the filed order is 37 modulo 100. The second copy is equal to the
first and stands 1 to 20,000 rows after it. Both files of duplicates hold the same rows, so a view
that does not depend on order is the same over both.

Then it checks what is known of the data, and fails if anything differs. `--sample` also writes
tests/real-data/flights-sample.ndjson.zst, the slice that is kept in the repository.
"""

import argparse
import os
import sys
from pathlib import Path

import duckdb
import zstandard

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent.parent / "target" / "real-data"
SOURCE = FOLDER / "flights-3m.parquet"
SAMPLE = HERE / "flights-sample.ndjson.zst"

COLUMNS = "date, delay, distance, origin, destination"
# Five days of winter storms: 22, 24 and 25 February are among the twelve days of the half year with the
# most flights that are more than an hour late.
SAMPLE_FROM, SAMPLE_TO = "2001-02-22", "2001-02-27"

# What the source was seen to hold. `late` is how far, in seconds, a row's date is behind the greatest
# date before it.
FILED_FACTS = {
    "rows": 3_000_000,
    "nulls": 0,
    "delay < 0": 1_536_194,
    "delay <= 0": 1_657_324,
    "delay > 60": 152_194,
    "origins": 229,
    "cells of (origin, hour)": 424_259,
    "late": 0,
    "late > 1 h": 0,
    "late > 6 h": 0,
}
KNOWN_FACTS = FILED_FACTS | {"late": 1_271_847, "late > 1 h": 147_838, "late > 6 h": 945}


def load(connection):
    connection.execute(f"""
        create table filed as
        select file_row_number as offset_filed, {COLUMNS} from read_parquet('{SOURCE}', file_row_number = true)
    """)
    connection.execute("""
        create table flights as
        select row_number() over (order by date + to_minutes(greatest(coalesce(delay, 0), 0)), offset_filed) - 1
            as offset_known, *
        from filed
    """)


def write(connection, name, query):
    """The rows of `query`, in its order, as FOLDER/name; never half a file under that name, nor one
    that two processes write."""
    partial = FOLDER / f"{name}.{os.getpid()}"
    connection.execute(f"copy ({query}) to '{partial}' (format parquet, compression zstd)")
    partial.rename(FOLDER / name)


def with_duplicates(offset):
    return f"""
        select {COLUMNS} from (
            select {offset} as place, 0 as copy, * from flights
            union all
            select {offset} + 1 + (offset_filed // 100 * 7919) % 20000, 1, * from flights where offset_filed % 100 = 37
        )
        order by place, copy, {offset}
    """


def facts(connection, name):
    row = connection.execute(f"""
        with numbered as (
            select * from read_parquet('{FOLDER / name}', file_row_number = true)
        ), timed as (
            select *, epoch(max(date) over (order by file_row_number rows unbounded preceding) - date) as late
            from numbered
        )
        select count(*),
               count(*) filter (date is null or delay is null or distance is null
                                or origin is null or destination is null),
               count(*) filter (delay < 0), count(*) filter (delay <= 0), count(*) filter (delay > 60),
               count(distinct origin), count(distinct (origin, date_trunc('hour', date))),
               count(*) filter (late > 0), count(*) filter (late > 3600), count(*) filter (late > 6 * 3600)
        from timed
    """).fetchone()
    return dict(zip(FILED_FACTS, row))


def same_rows(connection, left, right):
    """Whether two files hold the same rows, each as often, in whatever order."""
    groups = lambda name: f"select {COLUMNS}, count(*) n from read_parquet('{FOLDER / name}') group by all"
    left, right = groups(left), groups(right)
    return connection.execute(
        f"select count(*) from (({left} except {right}) union all ({right} except {left}))"
    ).fetchone() == (0,)


def write_sample(connection):
    rows = connection.execute(f"""
        select strftime(date, '%Y-%m-%dT%H:%M:%S'), delay, distance, origin, destination from flights
        where date + to_minutes(greatest(delay, 0)) >= timestamp '{SAMPLE_FROM}'
          and date + to_minutes(greatest(delay, 0)) < timestamp '{SAMPLE_TO}'
        order by offset_known
    """).fetchall()
    line = '{"date":"%s","delay":%d,"distance":%d,"origin":"%s","destination":"%s"}\n'
    text = "".join(line % row for row in rows).encode()
    SAMPLE.write_bytes(zstandard.ZstdCompressor(level=19, write_checksum=True).compress(text))
    print(f"{SAMPLE.name}: {len(rows):,} rows, {len(text):,} bytes, {SAMPLE.stat().st_size:,} compressed")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--force", action="store_true", help="write the files anew")
    arguments.add_argument("--sample", action="store_true", help="write the sample of the repository too")
    arguments = arguments.parse_args()
    if not SOURCE.exists():
        sys.exit(f"{SOURCE} is not there: run tests/real-data/fetch first")

    queries = {
        "flights-known.parquet": f"select {COLUMNS} from flights order by offset_known",
        "flights-filed-duplicates.parquet": with_duplicates("offset_filed"),
        "flights-known-duplicates.parquet": with_duplicates("offset_known"),
    }
    missing = [name for name in queries if arguments.force or not (FOLDER / name).exists()]
    connection = duckdb.connect()
    if missing or arguments.sample:
        load(connection)
    for name in missing:
        write(connection, name, queries[name])
    if arguments.sample:
        write_sample(connection)

    failures = []
    for name, expected in [(SOURCE.name, FILED_FACTS), ("flights-known.parquet", KNOWN_FACTS)]:
        found = facts(connection, name)
        print(f"{name}: " + ", ".join(f"{fact} {value:,}" for fact, value in found.items()))
        failures += [
            f"{name}: {fact} is {found[fact]}, not {value}" for fact, value in expected.items() if found[fact] != value
        ]
    for name in queries:
        if "duplicates" in name:
            found = facts(connection, name)
            print(f"{name}: " + ", ".join(f"{fact} {value:,}" for fact, value in found.items()))
            if found["rows"] != 3_030_000:
                failures.append(f"{name}: rows is {found['rows']}, not 3030000")
    if not same_rows(connection, SOURCE.name, "flights-known.parquet"):
        failures.append("flights-known.parquet does not hold the rows of the source")
    if not same_rows(connection, "flights-filed-duplicates.parquet", "flights-known-duplicates.parquet"):
        failures.append("the two files of duplicates do not hold the same rows")
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()

"""What the scripts of this folder share: reading both sides into DuckDB, and comparing them.

Knows nothing of a transform: columns and SQL come from the script.
"""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import dataclass

import duckdb

SHOWN_MAX = 10
FLIGHT = {"date": "TIMESTAMP", "delay": "BIGINT", "distance": "BIGINT", "origin": "VARCHAR", "destination": "VARCHAR"}


@dataclass
class Comparison:
    """One row for each (key, window): columns of the rows with their SQL types, keys apart."""

    keys: list
    values: dict
    # SQL over the aliases `ours` and `theirs`: true where a value is not what it must be.
    differs: dict


def arguments(document):
    parser = ArgumentParser(description=document, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("flights", help="the file that was run: Parquet, or NDJSON (also .gz, .zst)")
    parser.add_argument("rows", help="the rows that `bifocal run` printed: Parquet, or NDJSON (also .gz, .zst)")
    return parser.parse_args()


def connect(flights):
    """Makes the table `flights`: the columns of FLIGHT, and `log_offset`, the number of the row."""
    connection = duckdb.connect()
    columns = ", ".join(f"{name}::{kind} as {name}" for name, kind in FLIGHT.items())
    connection.execute(f"create table flights as select place as log_offset, {columns} from {reader(flights, FLIGHT)}")
    return connection


def load_rows(connection, path, comparison):
    """Makes the table `ours`: the keys, `window_ms` (milliseconds since 1970), the values."""
    declared = {key: "VARCHAR" for key in [*comparison.keys, "window"]} | comparison.values
    window = 'epoch_ms("window")' if is_parquet(path) else 'epoch_ms("window"::TIMESTAMP)'
    columns = ", ".join([*comparison.keys, f"{window} as window_ms"])
    values = ", ".join(f'"{name}"::{kind} as "{name}"' for name, kind in comparison.values.items())
    connection.execute(f"create table ours as select {columns}, {values} from {reader(path, declared)}")


def is_parquet(path):
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1"


def reader(path, columns):
    """A table expression over a file, with its row numbers as `place`."""
    quoted = path.replace("'", "''")
    if is_parquet(path):
        return f"(select *, file_row_number as place from read_parquet('{quoted}', file_row_number = true))"
    # DuckDB keeps the order of insertion, so the numbers are those of the lines.
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    kind = "zstd" if magic(path) == b"\x28\xb5\x2f\xfd" else "gzip" if magic(path)[:2] == b"\x1f\x8b" else "none"
    return (
        f"(select *, row_number() over () - 1 as place from read_json('{quoted}', format = 'newline_delimited', "
        f"compression = '{kind}', columns = {{{declared}}}))"
    )


def magic(path):
    with open(path, "rb") as file:
        return file.read(4)


def compare(connection, comparison):
    """Compares the tables `ours` and `theirs` row by row, says what was found, and exits."""
    keys = ", ".join([*comparison.keys, "window_ms"])
    joined = " and ".join(f"ours.{key} is not distinct from theirs.{key}" for key in [*comparison.keys, "window_ms"])
    findings = [
        ("twice", f"select {keys}, count(*) as times from ours group by all having count(*) > 1"),
        ("missing", f"select theirs.* from theirs where not exists (from ours where {joined})"),
        ("extra", f"select ours.* from ours where not exists (from theirs where {joined})"),
    ]
    for value, differs in comparison.differs.items():
        shown = ", ".join(f"ours.{key}" for key in [*comparison.keys, "window_ms"])
        findings.append((value, f"select {shown}, ours, theirs from ours join theirs on {joined} where {differs}"))

    wrong = 0
    for name, query in findings:
        count = connection.execute(f"select count(*) from ({query})").fetchone()[0]
        wrong += count
        if count:
            print(f"{name}: {count:,} rows, the first of them")
            rows = connection.execute(f"select * from ({query}) as found order by {keys} limit {SHOWN_MAX}")
            names = [column[0] for column in rows.description]
            for row in rows.fetchall():
                print("  " + ", ".join(f"{name}={readable(name, value)}" for name, value in zip(names, row)))
    cells = connection.execute("select count(*) from theirs").fetchone()[0]
    if cells == 0:
        sys.exit("there are no flights in the file: nothing was compared")
    print(f"{cells:,} cells, {', '.join(comparison.differs)}: " + (f"{wrong:,} findings" if wrong else "all as they must be"))
    sys.exit(1 if wrong else 0)


def readable(name, value):
    if name == "window_ms" and value is not None:
        return duckdb.execute("select strftime(make_timestamp_ms(?), '%Y-%m-%dT%H:%M:%SZ')", [value]).fetchone()[0]
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {readable(key, item)}" for key, item in value.items()) + "}"
    return "null" if value is None else value

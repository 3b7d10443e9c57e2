"""How fast DuckDB does the orders job: `tests/duckdb/python tests/duckdb/speed.py ORDERS.ndjson EVENTS`.

From NDJSON, and from a Parquet file made of it, with one thread and two; medians of five. Prints one line
each. A few orders in a thousand are no orders to us; here they are left out where they do not parse.
"""

import statistics
import sys
import time
from pathlib import Path

import duckdb

ROUNDS = 5
COLUMNS = {"merchant_id": "VARCHAR", "amount": "DECIMAL(18, 2)", "currency": "VARCHAR", "status": "VARCHAR", "ts": "TIMESTAMP"}
JOB = """
    select merchant_id, currency, date_trunc('hour', ts) as hour, sum(amount), count(*), max(amount)
    from {source} where status = 'completed' group by all order by all
"""


def main():
    path, events = sys.argv[1], int(sys.argv[2])
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    ndjson = f"read_json('{path}', format = 'newline_delimited', columns = {{{declared}}}, ignore_errors = true)"
    parquet = Path(path).with_suffix(".parquet")
    connection = duckdb.connect()
    connection.execute(f"copy (from {ndjson}) to '{parquet}' (format parquet)")
    for name, source in [("NDJSON", ndjson), ("Parquet", f"read_parquet('{parquet}')")]:
        for threads in [1, 2]:
            connection.execute(f"set threads = {threads}")
            times = []
            for _ in range(ROUNDS):
                started = time.perf_counter()
                cells = len(connection.execute(JOB.format(source=source)).fetchall())
                times.append(time.perf_counter() - started)
            rate = events / statistics.median(times) / 1e6
            print(f"DuckDB {duckdb.__version__} from {name}, {threads} threads{rate:>16.1f} M events/s   {cells:,} cells")
    parquet.unlink()


if __name__ == "__main__":
    main()

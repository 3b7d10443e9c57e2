"""A view of many cells, made by the binary within a bound on its memory, against DuckDB's SQL.

    tests/duckdb/python tests/duckdb/cells.py BIFOCAL REVENUE.wasm CELLS MEMORY_MIB

Makes orders of CELLS merchants (a fifth of them order twice, most rows out of the order of keys), appends
them to a new data directory, folds them with `batch --memory` and asks for the whole view. The rows must
be those of SQL over the same file; `batch` must have laid cells down on disk rather than pass its bound.
Says what the process took at most, and how long each step took.

Exit code 0 if all is as it must be, 1 with what is not.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

# A process has more than its cells: code, caches of open files, chunks in flight, what is sorted.
BESIDE_CELLS_MIB = 256


def run(arguments, out=subprocess.DEVNULL):
    """Runs a command; gives its seconds and its greatest resident memory in MiB."""
    started, most = time.monotonic(), 0
    child = subprocess.Popen(arguments, stdout=out)
    # Not from its resource usage: that counts what this process had when it made the child.
    while child.poll() is None:
        most = peak_mib(child.pid) or most
        time.sleep(0.02)
    if child.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))} failed ({child.returncode})")
    return time.monotonic() - started, most


def peak_mib(pid):
    """None once the process is gone, and where there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), None)


def make(connection, cells, path):
    """Orders in no order of merchants: a prime that does not divide their number leads through all."""
    connection.execute(f"""
        copy (
            select 'm-' || lpad(((i * 7_368_787) % {cells})::VARCHAR, 9, '0') as merchant_id,
                   (i * 31 % 100_000)::DECIMAL(12, 2) / 100 as amount,
                   ['EUR', 'USD', 'GBP', 'JPY'][1 + i % 4] as currency,
                   if(i % 50 = 7, 'pending', 'completed') as status,
                   to_timestamp(1_800_000_000 + i // 2_000) at time zone 'UTC' as ts
            from (select unnest(range({cells * 6 // 5})) as i)
        ) to '{path}' (format parquet, compression zstd)
    """)


def main():
    bifocal, component, cells, memory_mib = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    connection = duckdb.connect()
    with tempfile.TemporaryDirectory() as folder:
        orders, rows = Path(folder) / "orders.parquet", Path(folder) / "rows.parquet"
        make(connection, cells, orders)
        in_data = ["--data", str(Path(folder) / "data")]
        run([bifocal, "stream", "create", "orders", "--time", "ts", *in_data])
        seconds, mib = run([bifocal, "append", "orders", orders, "--quiet", *in_data])
        print(f"append: {seconds:.1f} s, at most {mib:.0f} MiB")
        run([bifocal, "deploy", "revenue", component, "--stream", "orders", *in_data])
        seconds, mib = run([bifocal, "batch", "revenue", "--quiet", "--memory", f"{memory_mib}MiB", *in_data])
        print(f"batch: {seconds:.1f} s, at most {mib:.0f} MiB for cells bounded to {memory_mib} MiB")
        with open(rows, "wb") as out:
            took, most = run([bifocal, "query", "revenue", "--lens", "batch", "--format", "parquet", *in_data], out)
        print(f"query: {took:.1f} s, at most {most:.0f} MiB")
        connection.execute(f"""
            create table ours as
            select merchant_id, currency, epoch_ms("window") as window_ms, amount, orders, largest
            from read_parquet('{rows}')
        """)
        started = time.monotonic()
        connection.execute(f"""
            create table theirs as
            select merchant_id, currency, epoch_ms(date_trunc('hour', ts)) as window_ms,
                   sum(amount) as amount, count(*) as orders, max(amount) as largest
            from read_parquet('{orders}') where status = 'completed' group by all
        """)
        print(f"DuckDB: {time.monotonic() - started:.1f} s")
    both = "merchant_id, currency, window_ms, amount::DECIMAL(18, 2), orders::BIGINT, largest::DECIMAL(18, 2)"
    count = lambda query: connection.execute(f"select count(*) from ({query})").fetchone()[0]
    in_all = count("from theirs")
    wrong = count(f"(select {both} from ours except select {both} from theirs)")
    wrong += count(f"(select {both} from theirs except select {both} from ours)")
    print(f"{in_all:,} cells, {count('from ours'):,} rows, {wrong} differ")
    if wrong or in_all == 0 or count("from ours") != in_all:
        sys.exit("the rows are not those of SQL")
    if mib > memory_mib + BESIDE_CELLS_MIB:
        sys.exit(f"batch took {mib:.0f} MiB")


if __name__ == "__main__":
    main()

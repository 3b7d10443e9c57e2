"""Compares the rows of the view `flights` with DuckDB's SQL over the same file.

    tests/duckdb/python tests/duckdb/flights.py FLIGHTS ROWS

A cell is (origin, hour of `date`, UTC). Of its flights:

  departures  flights with a delay              equal
  cancelled   flights without one               equal
  mean_delay  sum / count, null if none         the same double
  p95_delay   the value at rank ceil(0.95 n) of the n delays in ascending order, null if none:
              equal to the same buckets counted here, and within 2^-8 of the exact value

Buckets of integers, as the SDK's `Quantiles` states them for 7 bits: cut = bits(double(|x|)) >> 45; the
answer is lo + floor((hi - lo) / 2), lo and hi being the least and the greatest magnitude of an integer
with this cut, with the sign of x; 0 is a bucket of its own.

Exit code 0 if all is as it must be, 1 with the first rows that are not.
"""

import math
import struct

import oracle

BITS = 7
EXACT = ["departures", "cancelled", "mean_delay"]
FLIGHTS = oracle.Comparison(
    keys=["origin"],
    values={"departures": "BIGINT", "cancelled": "BIGINT", "mean_delay": "DOUBLE", "p95_delay": "DOUBLE"},
    differs={name: f"ours.{name} is distinct from theirs.{name}" for name in EXACT}
    | {
        "p95_delay": "ours.p95_delay is distinct from theirs.p95_of_buckets",
        "error of p95_delay": f"abs(ours.p95_delay - theirs.p95_exact) * {2 ** (BITS + 1)} > abs(theirs.p95_exact)",
    },
)


def bucket(delay):
    """(number, answer) of the bucket of an integer, from the bits of the double."""
    if delay == 0:
        return 0, 0
    cut = struct.unpack("<Q", struct.pack("<d", abs(delay)))[0] >> (52 - BITS)
    double = lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0]
    least = math.ceil(double(cut << (52 - BITS)))
    greatest = math.floor(double(((cut + 1) << (52 - BITS)) - 1))
    answer = least + (greatest - least) // 2
    return (cut + 1, answer) if delay > 0 else (-cut - 1, -answer)


def main():
    arguments = oracle.arguments(__doc__)
    connection = oracle.connect(arguments.flights)
    oracle.load_rows(connection, arguments.rows, FLIGHTS)

    delays = connection.execute("select distinct delay from flights where delay is not null").fetchall()
    connection.execute("create table buckets (delay BIGINT, bucket INTEGER, answer BIGINT)")
    if delays:
        connection.executemany("insert into buckets values (?, ?, ?)", [(delay, *bucket(delay)) for (delay,) in delays])

    connection.execute("""
        create table timed as
        select origin, epoch_ms(date_trunc('hour', date)) as window_ms, delay from flights
    """)
    connection.execute("""
        create table exact as
        with ranked as (
            select origin, window_ms, delay,
                   row_number() over (partition by origin, window_ms order by delay) as rank,
                   count(*) over (partition by origin, window_ms) as n
            from timed where delay is not null
        )
        select origin, window_ms, delay as p95_exact from ranked where rank = (95 * n + 99) // 100
    """)
    connection.execute("""
        create table bucketed as
        with counted as (
            select origin, window_ms, bucket, answer, count(*) as flights
            from timed join buckets using (delay) group by all
        ), reached as (
            select origin, window_ms, answer, bucket,
                   sum(flights) over (partition by origin, window_ms order by bucket) as reached,
                   sum(flights) over (partition by origin, window_ms) as n
            from counted
        )
        select origin, window_ms, arg_min(answer, bucket) as p95_of_buckets
        from reached where reached >= (95 * n + 99) // 100 group by all
    """)
    connection.execute("""
        create table theirs as
        select origin, window_ms, departures, cancelled, mean_delay, p95_of_buckets::DOUBLE as p95_of_buckets,
               p95_exact
        from (
            select origin, window_ms, count(delay) as departures, count(*) - count(delay) as cancelled,
                   sum(delay)::DOUBLE / nullif(count(delay), 0) as mean_delay
            from timed group by all
        ) left join exact using (origin, window_ms) left join bucketed using (origin, window_ms)
    """)
    inexact, worst = connection.execute("""
        select count(*) filter (p95_of_buckets <> p95_exact),
               max(abs(p95_of_buckets - p95_exact) / abs(p95_exact)) filter (p95_exact <> 0)
        from theirs
    """).fetchone()
    print(f"the buckets' p95 is not the exact one in {inexact:,} cells; its greatest relative error is {worst or 0:.6f}")
    oracle.compare(connection, FLIGHTS)


if __name__ == "__main__":
    main()

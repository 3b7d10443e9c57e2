"""Compares the rows of the view `sequence` with SQL window functions over the offset.

    tests/duckdb/python tests/duckdb/windows.py FLIGHTS ROWS

The offset of a flight is the number of its row in the file, from 0. A cell is (origin, day of `date`,
UTC). Flights without a delay take no part: they make no cell, and nothing below sees them. Of the others:

  first       delay of the flight with the least (date, offset)
  last        delay of the flight with the greatest (date, offset)
  first_seen  delay of the flight with the least offset
  last_seen   delay of the flight with the greatest offset
  streak      length of the longest run of flights with delay > 15 that follow one another in the
              order of the offset within the cell; 0 if there is none
  crossings   number of flights with delay > 15 whose predecessor in the order of the offset within the
              cell has delay <= 15; the first flight of a cell has none, so it is no crossing

All are integers and equal. Exit code 0 if all is as it must be, 1 with the first rows that are not.
"""

import oracle

OUTPUTS = ["first", "last", "first_seen", "last_seen", "streak", "crossings"]
SEQUENCE = oracle.Comparison(
    keys=["origin"],
    values={name: "BIGINT" for name in OUTPUTS},
    differs={name: f'ours."{name}" is distinct from theirs."{name}"' for name in OUTPUTS},
)

THEIRS = """
    create table theirs as
    with timed as (
        select origin, epoch_ms(date_trunc('day', date)::TIMESTAMP) as window_ms, log_offset, date, delay
        from flights where delay is not null
    ), ordered as (
        select *,
               first_value(delay) over by_time as "first",
               last_value(delay) over by_time as "last",
               first_value(delay) over by_offset as first_seen,
               last_value(delay) over by_offset as last_seen,
               delay > 15 and lag(delay) over in_turn <= 15 as crosses,
               -- Equal along a run of flights that are all late, or all not.
               row_number() over in_turn
                   - row_number() over (partition by origin, window_ms, delay > 15 order by log_offset) as run
        from timed
        window by_time as (partition by origin, window_ms order by date, log_offset
                           rows between unbounded preceding and unbounded following),
               by_offset as (partition by origin, window_ms order by log_offset
                             rows between unbounded preceding and unbounded following),
               in_turn as (partition by origin, window_ms order by log_offset)
    ), measured as (
        select *, count(*) filter (delay > 15) over (partition by origin, window_ms, delay > 15, run) as length
        from ordered
    )
    select origin, window_ms, any_value("first") as "first", any_value("last") as "last",
           any_value(first_seen) as first_seen, any_value(last_seen) as last_seen,
           max(length) as streak, count(*) filter (crosses) as crossings
    from measured group by all
"""


def main():
    arguments = oracle.arguments(__doc__)
    connection = oracle.connect(arguments.flights)
    oracle.load_rows(connection, arguments.rows, SEQUENCE)
    connection.execute(THEIRS)
    oracle.compare(connection, SEQUENCE)


if __name__ == "__main__":
    main()

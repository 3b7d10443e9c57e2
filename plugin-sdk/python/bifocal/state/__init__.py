"""The algebra of states: what a cell can accumulate so that any cut of the log gives the same bytes.

| part                       | keeps                                            | order-free  | shows          |
|----------------------------|--------------------------------------------------|-------------|----------------|
| `Count`                    | how many                                         | yes         | integer        |
| `Sum`                      | the exact sum of integers or decimals            | yes         | their kind     |
| `ExactSum`                 | the exact sum of floats                          | yes         | float          |
| `Mean`                     | the exact mean of integers or decimals           | yes         | float          |
| `Min`, `Max`               | the least, the greatest value                    | yes         | its kind       |
| `First`, `Last`            | the first, the last value by event time          | yes         | its kind       |
| `FirstSeen`, `LastSeen`    | the first, the last value in the log             | no          | its kind       |
| `Quantiles`                | a histogram for quantiles with a stated error    | yes         | json           |
| `Set`                      | distinct values, exactly                         | yes         | their number   |
| `Distinct`                 | an estimate of how many distinct values, bounded | yes         | integer        |
| `TopK`                     | exact counts of values, to show the top k        | yes         | json           |
| `LastN`                    | the last n values by event time                  | yes         | json           |
| `Map`                      | a state for each key                             | as its part | json           |
| `Ordered`                  | a machine run in the order of the log            | no          | as the machine |

A state of an author is a class of parts with `@state`; it is order-free if all of its parts are.
"""

from .many import LastN, Map, Set, TopK
from .numbers import Count, ExactSum, Mean, Sum
from .ordered import Ordered
from .part import MergeError, Part
from .singles import First, FirstSeen, Last, LastSeen, Max, Min
from .sketches import Distinct, Quantiles

__all__ = [
    "Count",
    "Distinct",
    "ExactSum",
    "First",
    "FirstSeen",
    "Last",
    "LastN",
    "LastSeen",
    "Map",
    "Max",
    "Mean",
    "MergeError",
    "Min",
    "Ordered",
    "Part",
    "Quantiles",
    "Set",
    "Sum",
    "TopK",
]

// Write Bifocal transforms in C. A *transform* is business logic that a Bifocal host runs twice over one
// log of events: on each event moments after it is durable, and again over the whole log, to the same bytes.
//
//     #include "bifocal.h"
//
//     #define ORDER(X) X(text, merchant_id) X(decimal(2), amount) X(text, status)
//     #define MERCHANT(X) X(text, merchant_id)
//     #define REVENUE(X) X(sum, amount, decimal(2)) X(count, orders)
//
//     BF_EVENT(order, ORDER)           // what an event looks like
//     BF_KEY(merchant, MERCHANT)       // what cells are keyed by
//     BF_STATE(totals, REVENUE)        // what a cell holds
//     BF_CELLS(merchant, totals)
//
//     static const char *on_order(const order *o, bf_cells *out) {       // what one event does
//         if (bf_is(o->status, "completed")) {
//             totals *cell = bf_cell(out, (merchant){ o->merchant_id });
//             bf_sum_add(&cell->amount, o->amount);
//             bf_count_add(&cell->orders, 1);
//         }
//         return BF_OK;
//     }
//
//     #define ON(X) X(order, on_order)
//     BF_TRANSFORM(revenue, ON, .window = BF_HOURS(1), .time = "ts")
//
// README.md is the guide. What a transform must not do: it is a function of the event and the settings
// alone, without clock, randomness or memory of an earlier event; and what it adds to a state does not
// depend on what the state holds (logic that needs its events one after the other is a machine, `ordered`).
#ifndef BIFOCAL_H
#define BIFOCAL_H

#include "src/transform.h"

#endif

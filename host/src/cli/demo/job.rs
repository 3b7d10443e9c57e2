//! What the demo can show: a component, its events, and which of its rows are looked at. All of it stands
//! inside the binary; `cargo xtask demo` makes it.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum On {
    /// Real flights of February 2001, each when it was known
    Flights,
    /// Generated orders of one day, three in a hundred late
    Orders,
}

/// One job. A column stands here with what it is called on the screen.
#[derive(Debug)]
pub struct Job {
    pub stream: &'static str,
    pub view: &'static str,
    pub component: &'static [u8],
    pub feed: &'static [u8],
    /// Where an event has its time.
    pub time: &'static str,
    /// One line for who sees it for the first time.
    pub what: &'static str,
    pub keys: &'static [&'static str],
    pub key_title: &'static str,
    /// A whole number that adds up over events, so that anybody can check far + near = merged.
    pub sum: (&'static str, &'static str),
    /// One that nobody could make out of the two halves' numbers; it is merged from their states.
    pub other: (&'static str, &'static str),
}

const FLIGHTS: Job = Job {
    stream: "flights",
    view: "flights",
    component: include_bytes!("../../../assets/demo/flights.wasm"),
    feed: include_bytes!("../../../assets/demo/flights.feed.zst"),
    time: "date",
    what: "real flights of 2001, arriving as they did",
    keys: &["origin"],
    key_title: "airport",
    sum: ("departures", "departures"),
    other: ("p95_delay", "p95 delay, minutes"),
};

const ORDERS: Job = Job {
    stream: "orders",
    view: "revenue",
    component: include_bytes!("../../../assets/demo/revenue.wasm"),
    feed: include_bytes!("../../../assets/demo/orders.feed.zst"),
    time: "ts",
    what: "made-up orders of one day, some of them late",
    keys: &["merchant_id", "currency"],
    key_title: "merchant",
    sum: ("orders", "completed orders"),
    other: ("largest", "largest order"),
};

impl On {
    pub fn job(self) -> &'static Job {
        match self {
            On::Flights => &FLIGHTS,
            On::Orders => &ORDERS,
        }
    }
}

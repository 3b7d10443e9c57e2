//! A query as values: from the words of a command line or a URL to what is asked of one view.

use super::condition::{Condition, decimal};
use super::grain::Grain;
use super::order::{By, Sorting, picked};
use crate::cell::CellRef;
use crate::description::{Description, Field, Kind, Order, Window};
use crate::key;
use crate::near::Pointer;
use crate::rows::Rows;
use crate::store::ViewRecord;
use crate::time::{TimeRule, parse_duration_ms};
use jiff::tz::TimeZone;
use std::str::FromStr;

/// A query in words; empty lists and None where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `KEY=VALUE`; `KEY=` is the empty text, `KEY=null` an absent part.
    pub keys: Vec<String>,
    /// `KEY=TEXT`
    pub prefix: Option<String>,
    /// Times: RFC 3339, or so far before now, such as `-24h`.
    pub from: Option<String>,
    pub to: Option<String>,
    /// A zone of the IANA database.
    pub tz: Option<String>,
    pub grain: Option<String>,
    /// `COLUMN>VALUE`
    pub conditions: Vec<String>,
    /// Columns, those behind a `-` descending, with commas between.
    pub order: Option<String>,
    pub limit: Option<usize>,
    pub per: Option<String>,
    pub lens: Lens,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lens {
    #[default]
    Merged,
    Batch,
    Speed,
}

impl FromStr for Lens {
    type Err = String;

    fn from_str(text: &str) -> Result<Lens, String> {
        match text {
            "merged" => Ok(Lens::Merged),
            "batch" => Ok(Lens::Batch),
            "speed" => Ok(Lens::Speed),
            _ => Err(format!("'{text}' is no lens; use merged, batch or speed")),
        }
    }
}

impl Lens {
    pub fn name(self) -> &'static str {
        match self {
            Lens::Merged => "merged",
            Lens::Batch => "batch",
            Lens::Speed => "speed",
        }
    }
}

/// What becomes of events that come late to a settled cell, until the next run: a rule of serving alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Late {
    #[default]
    Merge,
    BatchWins,
}

impl Late {
    /// A record's words are checked when they are set; what another host has written merges.
    pub fn of(record: &ViewRecord) -> Late {
        if record.settings.late == "batch-wins" { Late::BatchWins } else { Late::Merge }
    }
}

/// What is asked of one view.
#[derive(Clone, Debug)]
pub struct Query {
    keys: Vec<(usize, key::Part)>,
    prefix: Option<(usize, Vec<u8>)>,
    windows_ms: (i64, i64),
    key_fields: Vec<Field>,
    /// What every wanted key begins with, in canonical form.
    pub leading: Vec<u8>,
    /// That this is all of a key.
    pub is_key: bool,
    pub has_windows: bool,
    pub grain: Option<Grain>,
    conditions: Vec<Condition>,
    order: Vec<By>,
    per: Option<usize>,
    pub limit: Option<usize>,
    pub lens: Lens,
    pub late: Late,
}

impl Query {
    pub fn new(description: &Description, asked: &Asked, late: Late, now_ms: i64) -> Result<Query, String> {
        let keys: Vec<_> =
            asked.keys.iter().map(|pair| key_equals(description, pair)).collect::<Result<_, _>>()?;
        let prefix = asked.prefix.as_deref().map(|pair| prefix(description, pair)).transpose()?;
        if description.window.is_none()
            && (asked.from.is_some() || asked.to.is_some() || asked.grain.is_some())
        {
            return Err("the view has one global window: from, to and grain choose nothing".into());
        }
        if asked.lens == Lens::Speed && description.initial.is_some() {
            return Err(
                "this view keeps whole states: speed has no part of its own; use the merged lens".into()
            );
        }
        let zone = zone(asked.tz.as_deref())?;
        let time = |what, text: &Option<String>, usual| {
            text.as_deref().map_or(Ok(usual), |text| time_ms(what, text, &zone, now_ms))
        };
        let windows_ms = (time("from", &asked.from, i64::MIN)?, time("to", &asked.to, i64::MAX)?);
        let (leading, is_key) = leading(description, &keys);
        let grain = asked.grain.as_deref().zip(description.window);
        let grain = grain.map(|(text, window)| Grain::new(text, zone.clone(), window.size_ms)).transpose()?;
        if grain.is_some() {
            require_rolling(description)?;
        }
        let mut query = Query {
            keys,
            prefix,
            windows_ms,
            key_fields: description.keys.clone(),
            leading,
            is_key,
            has_windows: description.window.is_some(),
            grain,
            conditions: Vec::new(),
            order: Vec::new(),
            per: None,
            limit: asked.limit,
            lens: asked.lens,
            late,
        };
        query.read_columns(&super::fields(description, &query), asked)?;
        Ok(query)
    }

    fn read_columns(&mut self, fields: &[Field], asked: &Asked) -> Result<(), String> {
        let names = || fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
        let place = |name: &str| {
            let found = fields.iter().position(|field| field.name == name);
            found.ok_or_else(|| format!("there is no column '{name}'; the columns are {}", names()))
        };
        let conditions = asked.conditions.iter().map(|text| Condition::new(fields, text));
        self.conditions = conditions.collect::<Result<_, _>>()?;
        for name in asked.order.iter().flat_map(|order| order.split(',')) {
            let (descends, name) = name.strip_prefix('-').map_or((false, name), |name| (true, name));
            self.order.push(By { column: place(name)?, descends });
        }
        if let Some(per) = &asked.per {
            if self.limit.is_none() {
                return Err("per says of what each value has its own limit: say a limit too".into());
            }
            self.per = Some(place(per)?);
        }
        Ok(())
    }

    /// Whether a cell is asked for.
    pub fn has(&self, cell: &CellRef<'_>) -> bool {
        let (from, to) = self.windows_ms;
        let in_time = !self.has_windows || (from..to).contains(&cell.window);
        in_time && (self.keys.is_empty() && self.prefix.is_none() || self.has_key(cell.key))
    }

    fn has_key(&self, key: &[u8]) -> bool {
        if self.is_key {
            return key == self.leading;
        }
        let Some(parts) = key::decode(&self.key_fields, key) else { return false };
        let begins = |(column, text): &(usize, Vec<u8>)| matches!(parts.get(*column), Some(key::Part::Bytes(bytes)) if bytes.starts_with(text));
        self.keys.iter().all(|(column, wanted)| parts.get(*column) == Some(wanted))
            && self.prefix.as_ref().is_none_or(begins)
    }

    pub fn is_settled(&self, pointer: &Pointer, window: i64) -> bool {
        let settled_to_ms = pointer.base.as_ref().and_then(|base| base.settled_to_ms);
        self.has_windows && settled_to_ms.is_some_and(|to| window < to)
    }

    /// Whether what speed holds of a window waits for the next run.
    pub fn waits(&self, pointer: &Pointer, window: i64) -> bool {
        self.late == Late::BatchWins && self.lens == Lens::Merged && self.is_settled(pointer, window)
    }

    /// The last window of the view that a row's window stands for.
    pub fn last_window(&self, window: i64) -> i64 {
        self.grain.as_ref().map_or(window, |grain| grain.last_window(window))
    }

    /// Those rows for which all conditions hold.
    pub fn matching(&self, rows: Rows) -> Rows {
        if self.conditions.is_empty() {
            return rows;
        }
        let holds = |row: &usize| self.conditions.iter().all(|condition| condition.holds(&rows, *row));
        let places: Vec<usize> = (0..rows.count).filter(holds).collect();
        picked(&rows, &places)
    }

    /// How many cells the answer is made of at most, where the question alone bounds that: one of a single key,
    /// that says how many rows or which windows it wants.
    pub fn cells_max(&self, window: Option<Window>) -> Option<u64> {
        if !self.is_key {
            return None;
        }
        let Some(window) = window else { return Some(1) };
        let (from, to) = self.windows_ms;
        let in_range = to.checked_sub(from).map(|ms| ms.max(0) as u64 / window.slide_ms.max(1) as u64 + 1);
        let limited = self.limit.filter(|_| self.grain.is_none() && self.stops_at_limit());
        in_range.into_iter().chain(limited.map(|limit| limit as u64)).min()
    }

    /// Whether the first cells are the first rows, so that no other needs to be looked at.
    pub fn stops_at_limit(&self) -> bool {
        self.conditions.is_empty() && !self.is_sorted() && self.late == Late::Merge
    }

    fn is_sorted(&self) -> bool {
        !self.order.is_empty() || self.per.is_some()
    }

    /// None: rows come in canonical order.
    pub fn sorting(&self) -> Option<Sorting> {
        self.is_sorted().then(|| Sorting::new(self.order.clone(), self.limit.unwrap_or(usize::MAX), self.per))
    }
}

/// Refuses to roll up what rolled up would not be the same, with the reason.
pub fn require_rolling(description: &Description) -> Result<(), String> {
    let Some(window) = description.window else { return Ok(()) };
    if description.order == Order::Log || description.initial.is_some() {
        return Err("a grain merges windows in any order, and this view's transform depends on the log's; \
                    ask for its own windows"
            .into());
    }
    if window.slide_ms != window.size_ms {
        return Err(
            "hopping windows hold an event several times and cannot be rolled up; ask for them as they are"
                .into(),
        );
    }
    Ok(())
}

fn leading(description: &Description, keys: &[(usize, key::Part)]) -> (Vec<u8>, bool) {
    let mut leading = Vec::new();
    for column in 0..description.keys.len() {
        let Some((_, part)) = keys.iter().find(|(other, _)| *other == column) else {
            return (leading, false);
        };
        key::push(part.value(), &mut leading);
    }
    (leading, true)
}

fn zone(name: Option<&str>) -> Result<TimeZone, String> {
    let unknown = |name| format!("'{name}' is no time zone; use a name such as Europe/Berlin or UTC");
    name.map_or(Ok(TimeZone::UTC), |name| TimeZone::get(name).map_err(|_| unknown(name)))
}

/// `KEY=VALUE` as a key column and the value that it must have.
pub fn key_equals(description: &Description, pair: &str) -> Result<(usize, key::Part), String> {
    let Some((name, text)) = pair.split_once('=') else { return Err(format!("'{pair}' is not KEY=VALUE")) };
    let column = key_column(description, name)?;
    let kind = description.keys.get(column).map(|field| &field.kind);
    let not = |what: &str| format!("key '{name}' is {what}, which '{text}' is not");
    let part = match kind {
        _ if text == "null" => key::Part::Absent,
        Some(Kind::Boolean) => key::Part::Boolean(text.parse().map_err(|_| not("true or false"))?),
        Some(Kind::Integer) => key::Part::Integer(text.parse().map_err(|_| not("an integer"))?),
        Some(Kind::Timestamp) => {
            let time = TimeRule::default().parse_text(text.as_bytes());
            key::Part::Integer(time.map_err(|_| not("a time"))?)
        }
        Some(Kind::Decimal(digits)) => {
            let scaled = decimal(text, *digits);
            key::Part::Integer(scaled.ok_or_else(|| not(&format!("a decimal of {digits} digits")))?)
        }
        _ => key::Part::Bytes(text.as_bytes().to_vec()),
    };
    Ok((column, part))
}

pub fn key_column(description: &Description, name: &str) -> Result<usize, String> {
    let names: Vec<&str> = description.keys.iter().map(|field| field.name.as_str()).collect();
    match names.iter().position(|other| *other == name) {
        Some(column) => Ok(column),
        None => Err(format!("there is no key '{name}'; the keys are {}", names.join(", "))),
    }
}

fn prefix(description: &Description, pair: &str) -> Result<(usize, Vec<u8>), String> {
    let Some((name, text)) = pair.split_once('=') else {
        return Err(format!("prefix '{pair}' is not KEY=TEXT"));
    };
    let column = key_column(description, name)?;
    match description.keys.get(column).map(|field| &field.kind) {
        Some(Kind::Text | Kind::Binary) => Ok((column, text.as_bytes().to_vec())),
        _ => Err(format!("key '{name}' is no text; choose it by KEY=VALUE")),
    }
}

/// A time in words: RFC 3339, a date or time by the clock of the zone, or so far before now.
pub fn time_ms(what: &str, text: &str, zone: &TimeZone, now_ms: i64) -> Result<i64, String> {
    if text == "now" {
        return Ok(now_ms);
    }
    if let Some(before) = text.strip_prefix('-') {
        let ms = parse_duration_ms(before).map_err(|error| format!("{what} '{text}': {error}"))?;
        return Ok(now_ms.saturating_sub(ms));
    }
    if *zone != TimeZone::UTC
        && let Ok(local) = text.parse::<jiff::civil::DateTime>()
        && let Ok(instant) = zone.to_timestamp(local)
        && !text.ends_with(['Z', 'z'])
    {
        return Ok(instant.as_millisecond());
    }
    let time = TimeRule::default().parse_text(text.as_bytes());
    time.map_err(|error| format!("{what} '{text}': {error}; or say how far before now, such as -24h"))
}

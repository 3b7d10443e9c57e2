//! Random questions to a view in its random life.

use super::{STRIPE, World, all, listed};
use crate::run;
use crate::straight::{Kind, encoded};
use bifocal::cell::{Cell, CellRef};
use bifocal::merge::{Merge, Only, Sorted, Source};
use bifocal::offset::{Offset, Range};
use bifocal::speed::Speed;
use bifocal::store::{StreamLog, ViewFile};
use bifocal::table::{Below, Table};

impl World {
    /// A random question, put together as the command puts it.
    pub fn query(&mut self) {
        let view = self.view();
        let published: Vec<(u64, u64)> =
            self.runs.iter().filter_map(|(number, to)| Some((*number, (*to)?))).collect();
        let lens = if self.kind == Kind::Machine { self.random.below(3) } else { self.random.below(4) };
        let as_of = published.get(self.random.below(published.len() as u64 + 1) as usize);
        let (run, has_base, has_near) = match (lens, as_of) {
            (0, Some(run)) => (Some(*run), true, false),
            (0 | 1, _) => (self.served, true, true),
            (2, _) => (self.served, true, false),
            (_, _) => (self.served, false, true),
        };
        let file = run.map(|(number, _)| run::open(&self.store, &view, view.run(number).unwrap()).unwrap());
        let boundary = run.map_or(0, |(_, to)| to);
        let windows = if self.random.below(2) == 0 { (i64::MIN, i64::MAX) } else { self.windows() };
        let shop = self.shop();
        // No key, one key, or all that begin so.
        let (leading, key): (Vec<u8>, Option<String>) = match self.random.below(3) {
            0 => (Vec::new(), None),
            1 => (encoded(&shop), Some(shop.clone())),
            _ => ([&[1], shop.as_bytes()].concat(), None),
        };
        let is_prefix = !leading.is_empty() && key.is_none();
        let limit = if self.random.below(3) == 0 { self.random.below(30) as usize } else { usize::MAX };

        let log = self.log();
        let near = if has_near { self.near(&log, boundary, file.as_ref()) } else { Table::default() };
        let begin = leading.clone();
        let has = move |cell: &CellRef<'_>| {
            cell.key.starts_with(&begin) && (windows.0..windows.1).contains(&cell.window)
        };
        let mut sources: Vec<Box<dyn Source + '_>> = Vec::new();
        if let Some(file) = file.as_ref().filter(|_| has_base) {
            sources.push(Box::new(Only::new(file.scan_prefix(&leading).unwrap(), &has).unwrap()));
        }
        sources.push(Box::new(Only::new(Sorted::new(&near), &has).unwrap()));
        let found = all(Merge::new(&self.calls, sources).unwrap());

        let range = (if has_base { 0 } else { boundary }, if has_near { self.head() } else { boundary });
        let expected = listed(&self.answer(range.0, range.1).cells, |name, window| {
            let is_wanted = key.as_ref().is_none_or(|key| key == name);
            let begins = !is_prefix || name.starts_with(&shop);
            is_wanted && begins && (windows.0..windows.1).contains(&window)
        });
        let few = |cells: Vec<Cell>| cells.into_iter().take(limit).collect::<Vec<_>>();
        assert_eq!(few(found), few(expected), "lens {lens}, run {run:?}, {range:?}, {shop} {windows:?}");
    }

    fn near(&mut self, log: &StreamLog, boundary: u64, base: Option<&ViewFile>) -> Table {
        let step = [50, 700, STRIPE][self.random.below(3) as usize].max(self.chunk_rows_min);
        let below = base.map(|base| base as &dyn Below);
        let mut speed = Speed::new(self.job(log), Offset(boundary), below);
        for chunk in Range::new(Offset(boundary), Offset(log.head())).chunks(step) {
            speed.step(chunk.to).unwrap();
        }
        speed.into_half().table
    }
}

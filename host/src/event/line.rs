//! An event as one line of JSON, with all that is known of it. Its payload goes out as it came in.

use super::{Event, Typing};
use crate::time::Rfc3339;
use serde_json::Value;
use std::io::{self, Write};

impl Event<'_> {
    /// What few events have is left out where there is none.
    pub fn write_line(&self, out: &mut impl Write) -> io::Result<()> {
        let lineage = &self.lineage;
        write!(
            out,
            r#"{{"offset":{},"time":"{}","ingested":"{}","id":{},"schema":{},"source":{},"position":{},"#,
            self.offset,
            Rfc3339(self.time_ms),
            Rfc3339(self.ingested_ms),
            Value::from(self.id),
            Value::from(self.schema),
            Value::from(lineage.source),
            lineage.position,
        )?;
        if let Some(partition) = lineage.partition {
            write!(out, r#""partition":{},"#, Value::from(partition))?;
        }
        if let Some(key) = lineage.key {
            write!(out, r#""key":{},"#, Value::from(String::from_utf8_lossy(key)))?;
        }
        if !lineage.headers.is_empty() {
            let headers = lineage.headers.iter().map(|(name, value)| Value::from(vec![name.as_str(), value]));
            write!(out, r#""headers":{},"#, headers.collect::<Value>())?;
        }
        if self.typing == Typing::Text {
            out.write_all(br#""typing":"text","#)?;
        }
        out.write_all(br#""payload":"#)?;
        out.write_all(self.payload)?;
        out.write_all(b"}\n")
    }
}

//! What is told of streams, wherever they are.

use crate::app::StreamShown;
use crate::cli::data::{Place, PlaceArgs};
use serde::Deserialize;

/// By name, ascending.
pub fn all(place: &PlaceArgs) -> anyhow::Result<Vec<StreamShown>> {
    #[derive(Deserialize)]
    struct Streams {
        streams: Vec<StreamShown>,
    }
    match place.place()? {
        Place::Directory(data) => {
            let store = data.open()?;
            let streams = store.streams()?;
            streams.iter().map(|stream| Ok(StreamShown::of(stream, store.log(stream)?.as_ref())?)).collect()
        }
        Place::Server(client) => Ok(client.get::<Streams>(&client.at(&["streams"]))?.streams),
    }
}

pub fn one(place: &PlaceArgs, name: &str) -> anyhow::Result<StreamShown> {
    match place.place()? {
        Place::Directory(data) => {
            let store = data.open()?;
            let record = store.stream(name)?;
            Ok(StreamShown::of(&record, store.log(&record)?.as_ref())?)
        }
        Place::Server(client) => client.get(&client.at(&["streams", name])),
    }
}

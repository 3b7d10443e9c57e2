//! What a data directory holds: all of a change or nothing, and nothing of anyone else's.

use super::lossy::{Lossy, lose_power};
use bifocal::store::{Disk, Error, Store, StreamRecord, VersionRecord, ViewRecord, ViewSettings};
use std::sync::Arc;

pub fn stream(name: &str) -> StreamRecord {
    StreamRecord {
        number: 0,
        name: name.into(),
        time: Some("ts".into()),
        time_format: None,
        time_unit: Some("ms".into()),
        id: Some("id".into()),
        out_of_orderness_ms: 1,
        max_ahead_ms: 2,
        dedup_events: 3,
        seed: u64::MAX,
        schemas: Vec::new(),
        created_ms: 4,
    }
}

pub fn view(name: &str, component: &str) -> ViewRecord {
    let version = VersionRecord {
        number: 1,
        digest: "d".into(),
        component: component.into(),
        settings: "{}".into(),
        deployed_ms: 1,
    };
    ViewRecord {
        number: 0,
        name: name.into(),
        stream: "orders".into(),
        versions: vec![version],
        live: 1,
        lateness_ms: 0,
        keep_runs: 7,
        boundary: 0,
        batch_run: None,
        runs: Vec::new(),
        next_run: 1,
        created_ms: 0,
        settings: ViewSettings::default(),
        halted: None,
        incidents: Vec::new(),
    }
}

fn names(store: &Store) -> Vec<String> {
    store.streams().unwrap().into_iter().map(|stream| stream.name).collect()
}

#[test]
fn what_was_created_is_there_when_it_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let orders = store.create_stream(stream("orders")).unwrap();
    assert_eq!(orders, StreamRecord { number: 1, ..stream("orders") });
    let component = store.put_component(b"bytes").unwrap().to_string();
    let revenue = store.create_view(view("revenue", &component)).unwrap();
    drop(store);
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.stream("orders").unwrap(), orders);
    assert_eq!(store.view("revenue").unwrap(), revenue);
    assert_eq!(store.component(&component).unwrap(), b"bytes");
    assert_eq!(store.log(&orders).unwrap().head(), 0);

    assert_eq!(
        store.create_stream(stream("orders")),
        Err(Error::Taken { what: "stream", name: "orders".into() })
    );
    assert_eq!(store.stream("other"), Err(Error::Unknown { what: "stream", name: "other".into() }));
    assert!(matches!(store.create_stream(stream("../x")), Err(Error::Refused(_))));
    assert!(matches!(store.remove_stream("orders"), Err(Error::Refused(_))), "a view reads it");
}

#[test]
fn a_number_is_never_given_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.create_stream(stream("a")).unwrap().number, 1);
    store.remove_stream("a").unwrap();
    assert!(!directory.path().join("streams/1").exists());
    assert_eq!(store.create_stream(stream("a")).unwrap().number, 2);
}

#[test]
fn a_directory_is_opened_by_one() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let shown = directory.path().display().to_string();
    let process = std::process::id().to_string();
    assert_eq!(Store::open(directory.path()).unwrap_err(), Error::InUse { directory: shown, process });
    drop(store);
    Store::open(directory.path()).unwrap();
}

#[test]
fn a_folder_of_someone_else_and_one_whose_catalog_is_lost_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("components")).unwrap();
    std::fs::write(directory.path().join("components/mine.vue"), "mine").unwrap();
    let error = Store::open(directory.path()).unwrap_err().to_string();
    assert!(error.contains("no data directory") && error.contains("'components'"), "{error}");
    assert!(directory.path().join("components/mine.vue").exists());
    assert!(!directory.path().join("lock").exists());

    let directory = tempfile::tempdir().unwrap();
    Store::open(directory.path()).unwrap().create_stream(stream("orders")).unwrap();
    std::fs::remove_file(directory.path().join("catalog.redb")).unwrap();
    assert!(matches!(Store::open(directory.path()), Err(Error::Refused(_))));
    assert!(directory.path().join("streams/1/log").exists());
}

#[test]
fn what_the_catalog_does_not_name_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let store = Store::open(directory.path()).unwrap();
    store.create_stream(stream("orders")).unwrap();
    let component = store.put_component(b"used").unwrap().to_string();
    let unused = store.put_component(b"unused").unwrap();
    store.create_view(view("revenue", &component)).unwrap();
    drop(store);
    std::fs::create_dir_all(at("streams/7/log")).unwrap();
    std::fs::write(at("streams/7/log/new-1.redb"), "x").unwrap();
    std::fs::write(at("views/1/spill-1.redb"), "x").unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert!(!at("streams/7").exists() && !at("views/1/spill-1.redb").exists());
    assert!(!at(&format!("components/{unused}.wasm")).exists());
    assert_eq!(store.component(&component).unwrap(), b"used");
    assert_eq!(names(&store), ["orders"]);
}

#[test]
fn a_changed_component_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let digest = store.put_component(b"bytes").unwrap().to_string();
    std::fs::write(directory.path().join(format!("components/{digest}.wasm")), "bites").unwrap();
    assert!(matches!(store.component(&digest), Err(Error::Damaged { .. })));
}

fn restart(disk: &Lossy) {
    drop(Store::with_disk(Arc::new(disk.clone())));
}

/// Creates and removes until power is lost; what was acknowledged, and whether all of it was.
fn run(disk: &Lossy) -> (Vec<String>, Option<&'static str>) {
    let mut there = Vec::new();
    let Ok(store) = Store::with_disk(Arc::new(disk.clone())) else { return (there, Some("")) };
    for name in ["a", "b", "c"] {
        if store.create_stream(stream(name)).is_err() {
            return (there, Some(name));
        }
        there.push(name.to_string());
    }
    if store.remove_stream("b").is_err() {
        return (there, Some("b"));
    }
    there.remove(1);
    (there, None)
}

#[test]
fn a_change_of_the_catalog_is_there_or_not_at_any_change_of_the_disk() {
    let operations = lose_power(&Lossy::default(), u64::MAX, run, restart, |after, (there, in_flight), _| {
        let store = Store::with_disk(Arc::new(after.clone())).unwrap();
        let mut found = names(&store);
        found.retain(|name| Some(name.as_str()) != *in_flight);
        let mut expected = there.clone();
        expected.retain(|name| Some(name.as_str()) != *in_flight);
        assert_eq!(found, expected);
        for record in store.streams().unwrap() {
            assert_eq!(store.log(&record).unwrap().head(), 0);
        }
        let folders = after.list("streams").unwrap().len();
        assert_eq!(folders, store.streams().unwrap().len(), "no orphans");
        store.create_stream(stream("later")).unwrap();
    });
    assert!(operations > 60, "only {operations} changes");
}

/// Deploys a view and takes it away, twice; how many of these were acknowledged.
fn deploy(disk: &Lossy) -> Result<u64, u64> {
    let store = Store::with_disk(Arc::new(disk.clone())).map_err(|_| 0_u64)?;
    for round in 0..2_u64 {
        let component = store.put_component(&[round as u8; 3_000]).map_err(|_| 2 * round)?.to_string();
        store.create_view(view("revenue", &component)).map_err(|_| 2 * round)?;
        store.remove_view("revenue").map_err(|_| 2 * round + 1)?;
    }
    Ok(4)
}

#[test]
fn a_view_has_its_component_or_is_not_there_at_any_change_of_the_disk() {
    let start = Lossy::default();
    Store::with_disk(Arc::new(start.clone())).unwrap().create_stream(stream("orders")).unwrap();
    let operations = lose_power(&start, u64::MAX, deploy, restart, |after, acknowledged, _| {
        let store = Store::with_disk(Arc::new(after.clone())).unwrap();
        let (Ok(done) | Err(done)) = *acknowledged;
        let views = store.views().unwrap();
        // What was in flight may be there.
        let is_in_flight = acknowledged.is_err();
        let expected = [done % 2, (done + u64::from(is_in_flight)) % 2];
        assert!(expected.contains(&(views.len() as u64)), "{views:?} after {acknowledged:?}");
        for view in &views {
            let bytes = store.component(&view.versions[0].component).unwrap();
            assert!(bytes == vec![bytes[0]; 3_000]);
        }
        let left = after.names().iter().filter(|name| name.starts_with("components/")).count();
        assert_eq!(left, views.len(), "components that nobody names");
    });
    assert!(operations > 40, "only {operations} changes");
}

//! The adapters against the embedded services: conditions, retries, paging, and what happens when two writers meet.

use expansion_backend::{BUCKET, BUS, Backend, CONTROL, PROPENSITIES};
use expansion_store::{Artifacts, Bus, ControlTable, PropensityTable};

mod artifacts;
mod champion;
mod events;
mod records;
mod rows;
mod runs;

fn control(backend: &Backend) -> ControlTable {
    ControlTable { client: backend.dynamodb.clone(), name: CONTROL.to_owned() }
}

fn propensities(backend: &Backend) -> PropensityTable {
    PropensityTable { client: backend.dynamodb.clone(), name: PROPENSITIES.to_owned() }
}

fn artifacts(backend: &Backend) -> Artifacts {
    Artifacts { client: aws_sdk_s3::Client::new(&backend.config), bucket: BUCKET.to_owned() }
}

fn bus(backend: &Backend) -> Bus {
    Bus { client: aws_sdk_eventbridge::Client::new(&backend.config), name: BUS.to_owned() }
}

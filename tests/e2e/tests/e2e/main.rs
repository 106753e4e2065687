//! The whole product, through its real handlers, on the embedded stack: a fresh one for each test.

mod access;
mod actions;
mod answers;
mod artifacts;
mod ask;
mod binaries;
mod chaos;
mod feedback_loop;
mod idempotency;
mod long_lists;
mod pages;
mod restart;
mod sources;
mod unfinished;
mod whole_job;

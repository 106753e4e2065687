//! The whole product, through its real handlers, on the embedded stack: one for each test, which most begin from runs that
//! were made once for all.

mod access;
mod actions;
mod answers;
mod artifacts;
mod ask;
mod binaries;
mod chaos;
mod export;
mod feedback_loop;
mod idempotency;
mod long_lists;
mod other_names;
mod pages;
mod restart;
mod sources;
mod time;
mod unfinished;
mod whole_job;

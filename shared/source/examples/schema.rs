//! Prints the JSON Schema of `source.yaml`.

fn main() {
    print!("{}", expansion_source::schema());
}

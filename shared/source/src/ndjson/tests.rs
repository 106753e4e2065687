use super::*;
use crate::cells::MAX_COLUMNS;
use crate::tests::{Seen, file_of, seen};
use expansion_domain::Table;

fn rows(text: &[u8]) -> Vec<Seen> {
    seen(4, |mut sink| read::<MAX_COLUMNS>(text, &file_of(Table::ExpansionSignals, "s.ndjson"), &mut sink))
}

#[test]
fn values_are_taken_by_name_whatever_their_type() {
    let text =
        "\u{feff}{\"other\":{\"customer_id\":[1]},\"customer_id\":7,\"kind\":null,\"summary\":\"a\\n\\u00fc\"}\n";
    assert_eq!(rows(text.as_bytes()), [(1, Ok("7|||a\nü".into()), 1)]);
    let text = br#"{"customer_id":18446744073709551615,"kind":true,"summary":1.5}"#;
    assert_eq!(rows(text), [(1, Ok("18446744073709551615||true|1.5".into()), 1)]);
}

#[test]
fn blank_lines_are_skipped_and_broken_ones_rejected_alone() {
    let text =
        b"\r\n{\"customer_id\":\n{}\n[1]\n{\"customer_id\":{}}\n{\"kind\":\"\xff\"}\n{} {}\n{\"kind\":\"\xc3\xbc\"}";
    let malformed = Err(Reason::MalformedJson);
    assert_eq!(
        rows(text),
        [
            (2, malformed.clone(), 1),
            (3, Ok("|||".into()), 1),
            (4, malformed.clone(), 1),
            (5, malformed.clone(), 1),
            (6, malformed.clone(), 1),
            (7, malformed, 1),
            (8, Ok("||ü|".into()), 1),
        ]
    );
}

#[test]
fn objects_may_stand_in_an_array_or_over_several_lines() {
    let expected = |lines: [u64; 3]| {
        let texts = ["a|1|x|[1, {\"}]", "b|2||", "c|3|y\nz|"];
        let rows: Vec<Seen> = lines.into_iter().zip(texts).map(|(line, text)| (line, Ok(text.into()), 1)).collect();
        rows
    };
    let (a, b, c) = (
        r#"{"customer_id":"a","detected_at":1,"kind":"x","summary":"[1, {\"}]","deep":[{"kind":[0]}]}"#,
        r#"{"customer_id":"b","detected_at":2}"#,
        r#"{"customer_id":"c","detected_at":3,"kind":"y\nz"}"#,
    );
    for (text, lines) in [
        (format!("{a}\n{b}\n\n{c}"), [1, 2, 4]),
        (format!("[{a},{b},{c}]"), [1, 1, 1]),
        (format!("{a}{b} {c}\n"), [1, 1, 1]),
        (format!("\u{feff}\n[\n{a},\n{b}\n,{c}\n]\n"), [3, 4, 5]),
        (format!("[{a}]\n[{b},\n{c}]\n"), [1, 2, 3]),
        (format!("{{\"count\":3,\"next\":null,\"results\":[\n{a},{b},{c}],\"meta\":{{\"pages\":[1]}}}}"), [2, 2, 2]),
        (
            format!("{{\n \"links\": [],\n \"data\" : [ {a}, {b},\n{c} ] }}")
                .replace("\"links\": [],", "\"links\": [1],"),
            [3, 3, 4],
        ),
        (format!("{}\n{b}\n{c}", a.replace(",\"k", ",\n\"k")), [1, 3, 4]),
        (format!("{}{b}{c}", a.replace(",\"k", ",\n\"k")), [1, 2, 2]),
    ] {
        assert_eq!(rows(text.as_bytes()), expected(lines), "{text}");
    }
    assert_eq!(rows(b"[]"), []);
    assert_eq!(rows(b"{\"data\": []}\n"), []);
    assert_eq!(rows(b" \n"), []);
}

#[test]
fn a_long_array_is_read_piece_by_piece() {
    let object = |i: usize| format!("{{\"customer_id\": {i}, \"summary\": \"{}\"}}", "ü]}\\\"".repeat(i % 50));
    let text = format!("[{}]", (0..5_000).map(object).collect::<Vec<_>>().join(",\n"));
    let rows = rows(text.as_bytes());
    assert_eq!(rows.len(), 5_000);
    assert_eq!(rows[4_999], (5_000, Ok(format!("4999|||{}", "ü]}\"".repeat(49))), 1));
}

#[test]
fn a_broken_element_is_rejected_alone_and_a_broken_array_is_no_short_table() {
    let malformed = Err(Reason::MalformedJson);
    assert_eq!(
        rows(b"[{\"kind\":\"x\"},\n{\"kind\" \"x\"},5,[{}],\n{\"kind\":\"y\"}]"),
        [
            (1, Ok("||x|".into()), 1),
            (2, malformed.clone(), 1),
            (2, malformed.clone(), 1),
            (2, malformed, 1),
            (3, Ok("||y|".into()), 1),
        ]
    );
    for (text, cause) in [
        ("[{\"kind\":\"x\"},{\"kind\":\"y\"", "the JSON ends in the middle"),
        ("[{\"kind\":\"x\"}", "the JSON ends in the middle"),
        ("{\"data\":[{\"kind\":\"x\"}", "the JSON ends in the middle"),
        ("{\"deals\":[{\"kind\":\"x\"}],\"won\":[{\"kind\":\"y\"}]}", "it has several arrays of objects"),
    ] {
        let error = read::<MAX_COLUMNS>(text.as_bytes(), &file_of(Table::ExpansionSignals, "s.json"), &mut |_, _| {});
        let error = error.expect_err("broken").to_string();
        assert!(error.starts_with("s.json can't be read: ") && error.contains(cause), "{error}");
    }
}

#[test]
fn backslashes_that_copy_doubled_are_taken_once() {
    let copied = br#"{"customer_id":"a","summary":"two\\nlines"}
{"customer_id":"b","summary":"Asked for 27\\" screens, C:\\\\"}"#;
    assert_eq!(
        rows(copied),
        [(1, Ok("a|||two\nlines".into()), 1), (2, Ok("b|||Asked for 27\" screens, C:\\".into()), 1)]
    );
    let mut late = "{\"customer_id\":\"a\",\"summary\":\"two\\\\nlines\"}\n".repeat(3_000).into_bytes();
    late.extend(copied);
    let error = read::<MAX_COLUMNS>(&*late, &file_of(Table::ExpansionSignals, "s.json"), &mut |_, _| {});
    let error = error.expect_err("seen too late").to_string();
    assert!(
        error.starts_with("s.json was written by PostgreSQL's COPY as text") && error.contains("line 3002"),
        "{error}"
    );
}

#[test]
fn numbers_that_json_lacks_are_read_as_python_writes_them() {
    let text = br#"{"customer_id":"NaN, Infinity","detected_at":NaN,"kind":-Infinity,"summary":"x"}"#;
    assert_eq!(rows(text), [(1, Ok("NaN, Infinity||-Infinity|x".into()), 1)]);
}

use super::*;

fn without_ssn(body: &str) -> Result<String, Fault> {
    redacted(&CSV, &["column:SSN"], body)
}

#[test]
fn a_column_is_masked_and_all_else_keeps_its_bytes() {
    let cases = [
        (
            "ID,SSN,Name\r\n1,123,Ana\r\n2,,\"Pena, Bo\"\r\n",
            "ID,SSN,Name\r\n1,[withheld],Ana\r\n2,[withheld],\"Pena, Bo\"\r\n",
        ),
        ("SSN\n1\n2", "SSN\n[withheld]\n[withheld]"),
        ("id;ssn\n1;\"1\"\"2\n3\"\n", "id;ssn\n1;\"[withheld]\"\n"),
        ("ID\t\" Ssn \"\n1\t2\n", "ID\t\" Ssn \"\n1\t[withheld]\n"),
        ("sep=;\nID;SSN\n1;a,b\n", "sep=;\nID;SSN\n1;[withheld]\n"),
        ("\n\nSSN,ID\n\n1,2\n\n", "\n\nSSN,ID\n\n[withheld],2\n\n"),
        ("ID,SSN,SSN\n1,2,3\n", "ID,SSN,SSN\n1,[withheld],[withheld]\n"),
        ("ID,SSN\n", "ID,SSN\n"),
        ("ID,SSN", "ID,SSN"),
        ("ID,SSN\n1,\"2\"x\n", "ID,SSN\n1,\"[withheld]\"\n"),
    ];
    for (body, expected) in cases {
        assert_eq!(without_ssn(body).as_deref(), Ok(expected), "{body:?}");
    }
}

#[test]
fn a_row_in_which_columns_cannot_be_told_does_not_pass() {
    let cases = [
        ("the column has another name", "ID,Social\n1,2\n", Fault::Misfit),
        ("no header", "1,2\n3,4\n", Fault::Misfit),
        ("a comma too many", "ID,Name,SSN\n1,Pena, Bo,2\n", Fault::Ragged),
        ("a field too few", "ID,Name,SSN\n1,2\n", Fault::Ragged),
        ("a quote that never closes", "ID,SSN\n1,\"2\n", Fault::Malformed),
        ("a zero byte", "ID,SSN\n1,\0\n", Fault::Malformed),
        ("a page", "<html><body>ID,SSN", Fault::Type),
    ];
    for (name, body, fault) in cases {
        assert_eq!(without_ssn(body), Err(fault), "{name}");
    }
    let long = format!("ID,SSN\n1,{}\n", "x".repeat(1024 * 1024));
    assert_eq!(
        passed(&plan(&CSV, &["column:SSN"]), &head(200, "text/csv", None), [long.as_bytes()]),
        Err(Fault::TooLong)
    );
}

#[test]
fn a_delimiter_that_is_in_the_mark_is_quoted() {
    let kind = ReplyKind::Csv { delimiter: Some(b'h'), header: true };
    assert_eq!(
        redacted(&kind, &["column:SSN"], "IDhSSN\n1h2\n").as_deref(),
        Ok("IDhSSN\n1h\"[withheld]\"\n")
    );
}

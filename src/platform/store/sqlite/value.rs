//! Statements carried out by SQLite.

use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::super::{Row, Statement, StoreError, Value};

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Carries a statement out and says how many rows it has changed.
pub(super) fn execute(statement: &Statement, connection: &Connection) -> rusqlite::Result<usize> {
    let mut prepared = connection.prepare_cached(statement.sql())?;
    bind(statement.values(), &mut prepared)?;
    prepared.raw_execute()
}

/// Carries a query out and returns what it finds.
pub(super) fn rows(query: &Statement, connection: &Connection) -> Result<Vec<Row>, StoreError> {
    let mut prepared = connection.prepare_cached(query.sql())?;
    bind(query.values(), &mut prepared)?;
    let columns = prepared.column_count();
    let mut found = Vec::new();
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next()? {
        let cells = (0..columns).map(|column| cell(row.get_ref(column)?)).collect::<Result<_, _>>()?;
        found.push(Row::of(cells));
    }
    Ok(found)
}

/// SQLite numbers `$n` by their first appearance, PostgreSQL by `n`: bind by name.
fn bind(values: &[Value], prepared: &mut rusqlite::Statement<'_>) -> rusqlite::Result<()> {
    for (index, value) in values.iter().enumerate() {
        let name = format!("${}", index + 1);
        match prepared.parameter_index(&name)? {
            Some(parameter) => prepared.raw_bind_parameter(parameter, value)?,
            None => return Err(rusqlite::Error::InvalidParameterName(name)),
        }
    }
    if prepared.parameter_count() != values.len() {
        return Err(rusqlite::Error::InvalidParameterCount(values.len(), prepared.parameter_count()));
    }
    Ok(())
}

fn cell(value: ValueRef<'_>) -> Result<Value, StoreError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Integer(number)),
        ValueRef::Text(text) => {
            String::from_utf8(text.to_owned()).map(Value::Text).map_err(|_| StoreError::Unexpected)
        }
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_owned())),
        ValueRef::Real(_) => Err(StoreError::Unexpected),
    }
}

//! What goes into the store and comes out: statements with their values, and rows.

use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::StoreError;

/// A value in the store.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// BIGINT: numbers, and moments in milliseconds.
    Integer(i64),
    /// TEXT.
    Text(String),
    /// BLOB.
    Bytes(Vec<u8>),
}

impl std::fmt::Debug for Value {
    /// Names the kind only: values are people's names and tokens.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Integer(_) => "Integer(..)",
            Self::Text(_) => "Text(..)",
            Self::Bytes(_) => "Bytes(..)",
        })
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_owned())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

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

/// A statement and its values, which never become part of the text.
#[derive(Clone, Debug)]
pub struct Statement {
    sql: &'static str,
    values: Vec<Value>,
}

impl Statement {
    /// A statement with `$1`, `$2` … for its values.
    pub const fn new(sql: &'static str) -> Self {
        Self { sql, values: Vec::new() }
    }

    /// Gives the next value: the first call gives `$1`.
    #[must_use]
    pub fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Carries it out and says how many rows it has changed.
    pub(super) fn execute(&self, connection: &Connection) -> rusqlite::Result<usize> {
        let mut prepared = connection.prepare_cached(self.sql)?;
        self.bind(&mut prepared)?;
        prepared.raw_execute()
    }

    /// Carries it out and returns what it finds.
    pub(super) fn rows(&self, connection: &Connection) -> Result<Vec<Row>, StoreError> {
        let mut prepared = connection.prepare_cached(self.sql)?;
        self.bind(&mut prepared)?;
        let columns = prepared.column_count();
        let mut found = Vec::new();
        let mut rows = prepared.raw_query();
        while let Some(row) = rows.next()? {
            let cells = (0..columns).map(|column| cell(row.get_ref(column)?)).collect::<Result<_, _>>()?;
            found.push(Row(cells));
        }
        Ok(found)
    }

    /// SQLite numbers `$n` by their first appearance, PostgreSQL by `n`: bind by name.
    fn bind(&self, prepared: &mut rusqlite::Statement<'_>) -> rusqlite::Result<()> {
        for (index, value) in self.values.iter().enumerate() {
            let name = format!("${}", index + 1);
            match prepared.parameter_index(&name)? {
                Some(parameter) => prepared.raw_bind_parameter(parameter, value)?,
                None => return Err(rusqlite::Error::InvalidParameterName(name)),
            }
        }
        if prepared.parameter_count() != self.values.len() {
            return Err(rusqlite::Error::InvalidParameterCount(
                self.values.len(),
                prepared.parameter_count(),
            ));
        }
        Ok(())
    }
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

/// One row that a query has found.
#[derive(Clone, Debug)]
pub struct Row(Vec<Value>);

impl Row {
    /// The number in this column.
    pub fn integer(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => Ok(*number),
            Some(Value::Null | Value::Text(_) | Value::Bytes(_)) | None => Err(StoreError::Unexpected),
        }
    }

    /// The number in this column, or nothing.
    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => Ok(Some(*number)),
            Some(Value::Null) => Ok(None),
            Some(Value::Text(_) | Value::Bytes(_)) | None => Err(StoreError::Unexpected),
        }
    }

    /// The text in this column.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.optional_text(column)?.ok_or(StoreError::Unexpected)
    }

    /// The text in this column, or nothing.
    pub fn optional_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            Some(Value::Integer(_) | Value::Bytes(_)) | None => Err(StoreError::Unexpected),
        }
    }

    /// The bytes in this column.
    pub fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.0.get(column) {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            Some(Value::Null | Value::Integer(_) | Value::Text(_)) | None => Err(StoreError::Unexpected),
        }
    }
}

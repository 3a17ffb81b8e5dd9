//! What goes into the store and comes out: statements with their values, and rows.

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

    /// Its text.
    pub(super) const fn sql(&self) -> &'static str {
        self.sql
    }

    /// Its values, `$1` first.
    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    /// Whether a text in it holds a NUL. PostgreSQL keeps none, so no engine does.
    pub(super) fn has_nul(&self) -> bool {
        self.values.iter().any(|value| match value {
            Value::Text(text) => text.contains('\0'),
            Value::Null | Value::Integer(_) | Value::Bytes(_) => false,
        })
    }
}

/// One row that a query has found.
#[derive(Clone, Debug)]
pub struct Row(Vec<Value>);

impl Row {
    /// A row of these cells.
    pub(super) const fn of(cells: Vec<Value>) -> Self {
        Self(cells)
    }

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
        self.optional_bytes(column)?.ok_or(StoreError::Unexpected)
    }

    /// The bytes in this column, or nothing.
    pub fn optional_bytes(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.0.get(column) {
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Value::Null) => Ok(None),
            Some(Value::Integer(_) | Value::Text(_)) | None => Err(StoreError::Unexpected),
        }
    }
}

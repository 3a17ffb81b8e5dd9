//! Statements carried out by PostgreSQL.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::super::{Row, StoreError, Value};

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) if *kind == Type::INT8 => number.to_sql(kind, out),
            Self::Text(text) if is_text(kind) => text.to_sql(kind, out),
            Self::Bytes(bytes) if *kind == Type::BYTEA => bytes.as_slice().to_sql(kind, out),
            Self::Integer(_) | Self::Text(_) | Self::Bytes(_) => {
                Err(format!("a value of another type than `{kind}`").into())
            }
        }
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::INT8 || *kind == Type::BYTEA || is_text(kind)
    }

    to_sql_checked!();
}

/// A cell of a row.
impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        match kind {
            kind if *kind == Type::INT8 => i64::from_sql(kind, raw).map(Self::Integer),
            kind if *kind == Type::INT4 => {
                i32::from_sql(kind, raw).map(|number| Self::Integer(number.into()))
            }
            kind if *kind == Type::BYTEA => Vec::from_sql(kind, raw).map(Self::Bytes),
            kind => String::from_sql(kind, raw).map(Self::Text),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        <Self as ToSql>::accepts(kind) || *kind == Type::INT4
    }
}

fn is_text(kind: &Type) -> bool {
    *kind == Type::TEXT || *kind == Type::VARCHAR
}

pub(super) fn row(found: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let cell = |column| found.try_get(column).map_err(|_| StoreError::Unexpected);
    (0..found.len()).map(cell).collect::<Result<_, _>>().map(Row::of)
}

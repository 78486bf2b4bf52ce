//! Taking a script's answer apart. An answer of another shape is a bug (or not Redis), never a panic.

use crate::server::error::DriverError;
use redis::Value;

fn odd(value: &Value) -> DriverError {
    // Never the value itself: it may hold a payload.
    let kind = match value {
        Value::Nil => "nil",
        Value::Int(_) => "a number",
        Value::BulkString(_) | Value::SimpleString(_) => "a text",
        Value::Array(_) => "an array",
        _ => "something else",
    };
    DriverError::Protocol(format!("{kind} where another shape was expected"))
}

pub fn array(value: Value) -> Result<Vec<Value>, DriverError> {
    match value {
        Value::Array(items) | Value::Set(items) => Ok(items),
        Value::ServerError(error) => Err(redis::RedisError::from(error).into()),
        other => Err(odd(&other)),
    }
}

pub fn bytes(value: Value) -> Result<Vec<u8>, DriverError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        other => Err(odd(&other)),
    }
}

pub fn text(value: Value) -> Result<String, DriverError> {
    bytes(value).map(|b| String::from_utf8_lossy(&b).into_owned())
}

pub fn int(value: &Value) -> Result<i64, DriverError> {
    match value {
        Value::Int(n) => Ok(*n),
        other => Err(odd(other)),
    }
}

/// A length or count; `None` for -1 (not of the expected type) and for errors.
pub fn length(value: &Value) -> Option<u64> {
    match value {
        Value::Int(n) => u64::try_from(*n).ok(),
        _ => None,
    }
}

/// The next value of an answer.
pub fn next(items: &mut impl Iterator<Item = Value>) -> Result<Value, DriverError> {
    items.next().ok_or_else(|| DriverError::Protocol("an answer is too short".into()))
}

//! The browser reads JSON with its own `JSON.parse`; this fills our types from what that makes.
//!
//! serde_json would do as well, for a twentieth of the first load: it brings a parser along, and reads every struct from an
//! array too, which our own writer never makes. Whole numbers are exact up to 2^53, as everywhere in JavaScript: what may be
//! larger crosses the wire as text. One that is larger all the same is read as near as it gets, for the rest of the page is not to blame.

mod access;

use access::{Elements, Entries, Fields, Variant, property};
use js_sys::{Array, JSON, Object};
use leptos::wasm_bindgen::JsValue;
use serde::{
    de::{DeserializeOwned, Deserializer, Error, Expected, Unexpected, Visitor},
    forward_to_deserialize_any,
};
use std::fmt;

pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unread> {
    let value = JSON::parse(text).map_err(|_| Unread("it is no JSON".into()))?;
    T::deserialize(Js(value))
}

/// Why a text could not be read.
#[derive(Debug)]
pub struct Unread(String);

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unread {}

impl Error for Unread {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }

    // Without what was found instead: to write any number would bring the formatting of fractions along.
    fn invalid_type(_: Unexpected, wanted: &dyn Expected) -> Self {
        Self(format!("not {wanted}"))
    }

    fn invalid_value(_: Unexpected, wanted: &dyn Expected) -> Self {
        Self(format!("not {wanted}"))
    }
}

struct Js(JsValue);

impl Js {
    fn wrong<T>(&self, wanted: &dyn Expected) -> Result<T, Unread> {
        Err(Unread::invalid_type(Unexpected::Unit, wanted))
    }

    fn is_null(&self) -> bool {
        self.0.is_null() || self.0.is_undefined()
    }

    fn fraction<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.0.as_f64() {
            None => self.wrong(&visitor),
            Some(n) => visitor.visit_f64(n),
        }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.0.as_f64() {
            None => self.wrong(&visitor),
            Some(n) if n.fract() != 0.0 => visitor.visit_f64(n),
            Some(n) if n < 0.0 => visitor.visit_i64(n as i64),
            Some(n) => visitor.visit_u64(n as u64),
        }
    }
}

/// `$kind`: what all of `$methods` come to.
macro_rules! all {
    ($($kind:ident: $($method:ident)*;)*) => {
        $($(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
                self.$kind(visitor)
            }
        )*)*
    };
}

impl<'de> Deserializer<'de> for Js {
    type Error = Unread;

    all! {
        number: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64;
        fraction: deserialize_f32 deserialize_f64;
        deserialize_string: deserialize_str deserialize_char deserialize_identifier;
    }

    forward_to_deserialize_any! { i128 u128 bytes byte_buf }

    /// What serde asks for where the shape decides about the type.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if self.is_null() {
            visitor.visit_unit()
        } else if let Some(yes) = self.0.as_bool() {
            visitor.visit_bool(yes)
        } else if let Some(text) = self.0.as_string() {
            visitor.visit_string(text)
        } else if self.0.as_f64().is_some() {
            self.number(visitor)
        } else if Array::is_array(&self.0) {
            self.deserialize_seq(visitor)
        } else {
            self.deserialize_map(visitor)
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.0.as_bool() {
            Some(yes) => visitor.visit_bool(yes),
            None => self.wrong(&visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.0.as_string() {
            Some(text) => visitor.visit_string(text),
            None => self.wrong(&visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if self.is_null() { visitor.visit_unit() } else { self.wrong(&visitor) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if !Array::is_array(&self.0) {
            return self.wrong(&visitor);
        }
        visitor.visit_seq(Elements { of: self.0.into(), next: 0 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if !self.0.is_object() {
            return self.wrong(&visitor);
        }
        let of: Object = self.0.into();
        visitor.visit_map(Entries { keys: Object::keys(&of), of, next: 0 })
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Unread> {
        if !self.0.is_object() {
            return self.wrong(&visitor);
        }
        visitor.visit_map(Fields { of: self.0, fields, value: JsValue::UNDEFINED })
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Unread> {
        if self.0.is_string() {
            return visitor.visit_enum(Variant { name: self.0, of: JsValue::NULL });
        }
        if !self.0.is_object() {
            return self.wrong(&visitor);
        }
        let of: Object = self.0.into();
        let name = Object::keys(&of).get(0);
        let of = property(&of, &name);
        visitor.visit_enum(Variant { name, of })
    }
}

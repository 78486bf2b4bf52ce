//! What stands in an array, an object or a variant, one after the other.

use super::{Js, Unread};
use js_sys::{Array, Object, Reflect};
use leptos::wasm_bindgen::JsValue;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor, value::StrDeserializer,
};

/// `undefined` where there is none.
pub(super) fn property(of: &JsValue, name: &JsValue) -> JsValue {
    Reflect::get(of, name).unwrap_or(JsValue::UNDEFINED)
}

pub(super) struct Elements {
    pub of: Array,
    pub next: u32,
}

impl<'de> SeqAccess<'de> for Elements {
    type Error = Unread;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unread> {
        if self.next == self.of.length() {
            return Ok(None);
        }
        self.next += 1;
        seed.deserialize(Js(self.of.get(self.next - 1))).map(Some)
    }
}

/// The fields that the struct has; others are not looked at.
pub(super) struct Fields {
    pub of: JsValue,
    pub fields: &'static [&'static str],
    pub value: JsValue,
}

impl Fields {
    fn next(&mut self) -> Option<&'static str> {
        while let Some((name, rest)) = self.fields.split_first() {
            self.fields = rest;
            self.value = property(&self.of, &JsValue::from_str(name));
            if !self.value.is_undefined() {
                return Some(name);
            }
        }
        None
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Unread;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unread> {
        let Some(name) = self.next() else { return Ok(None) };
        let name: StrDeserializer<Unread> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unread> {
        seed.deserialize(Js(self.value.clone()))
    }
}

/// Everything that an object holds.
pub(super) struct Entries {
    pub of: Object,
    pub keys: Array,
    pub next: u32,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Unread;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unread> {
        if self.next == self.keys.length() {
            return Ok(None);
        }
        self.next += 1;
        seed.deserialize(Js(self.keys.get(self.next - 1))).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unread> {
        seed.deserialize(Js(property(&self.of, &self.keys.get(self.next - 1))))
    }
}

/// `"name"`, or `{"name": of}`.
pub(super) struct Variant {
    pub name: JsValue,
    pub of: JsValue,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Unread;
    type Variant = Js;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Js), Unread> {
        Ok((seed.deserialize(Js(self.name))?, Js(self.of)))
    }
}

impl<'de> VariantAccess<'de> for Js {
    type Error = Unread;

    fn unit_variant(self) -> Result<(), Unread> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unread> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_struct("", fields, visitor)
    }
}

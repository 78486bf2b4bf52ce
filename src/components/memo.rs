//! One memo for all closures.

use leptos::prelude::*;

/// `Memo::new` compiles anew for every closure; this one compiles for every type, which is a tenth of the browser's code less.
pub fn memo<T: PartialEq + Send + Sync + 'static>(value: impl Fn() -> T + Send + Sync + 'static) -> Memo<T> {
    boxed(Box::new(value))
}

#[inline(never)]
fn boxed<T: PartialEq + Send + Sync + 'static>(value: Box<dyn Fn() -> T + Send + Sync>) -> Memo<T> {
    Memo::new(move |_| value())
}

//! Code that the browser fetches when it is wanted, so that the first load is the overview and little else.
//!
//! A release build cuts the browser half along the functions that [`later!`] makes (feature `split`, scripts/build.sh). Without
//! the feature they are plain functions and nothing is fetched, so a debug build needs no cutting.

use leptos::{prelude::*, task::spawn_local};

/// The file did not come: the console was updated, or cannot be reached.
#[derive(Clone, Copy, Debug)]
pub struct Missing;

impl From<leptos::wasm_split::SplitLoaderError> for Missing {
    fn from(_: leptos::wasm_split::SplitLoaderError) -> Self {
        Self
    }
}

/// `later! { in CHUNK fn NAME() -> OUT { … } }`: an `async fn NAME() -> Result<OUT, Missing>`, whose body and all that only the
/// body reaches goes to the file `split_CHUNK.wasm`. The page that the server writes for a view names the files it needs.
macro_rules! later {
    (in $chunk:ident $vis:vis fn $name:ident() -> $out:ty { $body:expr }) => {
        #[cfg(feature = "split")]
        #[leptos::wasm_split::wasm_split($chunk, wasm_split_path = leptos::wasm_split, fallible)]
        $vis fn $name() -> Result<$out, $crate::components::later::Missing> {
            Ok($body)
        }

        #[cfg(not(feature = "split"))]
        $vis async fn $name() -> Result<$out, $crate::components::later::Missing> {
            #[cfg(feature = "ssr")]
            leptos::prefetch_lazy_fn_on_server(stringify!($chunk));
            Ok($body)
        }
    };
}
pub(crate) use later;

/// What `fetch` brings: asked for as soon as `wanted` says so, and kept.
pub fn when<T, F>(wanted: impl Fn() -> bool + 'static, fetch: fn() -> F) -> ReadSignal<Option<T>>
where
    T: Copy + Send + Sync + 'static,
    F: Future<Output = Result<T, Missing>> + 'static,
{
    let (here, set_here) = signal(None);
    let asked = StoredValue::new(false);
    Effect::new(move |_| {
        if !wanted() || asked.get_value() {
            return;
        }
        asked.set_value(true);
        spawn_local(async move {
            match fetch().await {
                Ok(it) => set_here.set(Some(it)),
                Err(Missing) => {
                    asked.set_value(false);
                    sorry();
                }
            }
        });
    });
    here
}

/// In the browser's own words, because the console's may be what is missing.
pub fn sorry() {
    let _ = window().alert_with_message("This part of the console could not be loaded, and nothing was done. Reload the page.");
}

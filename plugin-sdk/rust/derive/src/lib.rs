//! The derives and the attribute of `bifocal-sdk`, where each is documented. Each file turns one
//! item into one impl; what the impls need at run time lives in the SDK.

mod codec;
mod duration;
mod event;
mod key;
mod output;
mod settings;
mod shape;
mod state;
mod transform;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

fn expand(
    item: TokenStream,
    derive: fn(&DeriveInput) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    let item = parse_macro_input!(item as DeriveInput);
    derive(&item).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// An event as a transform sees it: a struct of columns, or an enum of such by a tag. See
/// [`Event`](../bifocal_sdk/event/trait.Event.html).
#[proc_macro_derive(Event, attributes(event))]
pub fn event(item: TokenStream) -> TokenStream {
    expand(item, event::derive)
}

/// What cells are keyed by: a struct of key parts. See
/// [`Key`](../bifocal_sdk/key/trait.Key.html).
#[proc_macro_derive(Key)]
pub fn key(item: TokenStream) -> TokenStream {
    expand(item, key::derive)
}

/// What a cell holds: a struct of states. Implements `Codec`, `Clone`, `Default` and `State`, all
/// field by field in their order, and `Output` and `Present` where all parts present themselves. See
/// [`State`](../bifocal_sdk/state/trait.State.html).
#[proc_macro_derive(State)]
pub fn state(item: TokenStream) -> TokenStream {
    expand(item, state::derive)
}

/// A row of outputs that a `present` function returns: a struct of values. See
/// [`Output`](../bifocal_sdk/output/trait.Output.html).
#[proc_macro_derive(Output)]
pub fn output(item: TokenStream) -> TokenStream {
    expand(item, output::derive)
}

/// Canonical bytes for a struct (its fields in their order) or an enum (a byte with the variant's
/// index, then its fields). See [`Codec`](../bifocal_sdk/value/trait.Codec.html).
#[proc_macro_derive(Codec)]
pub fn codec(item: TokenStream) -> TokenStream {
    expand(item, codec::derive)
}

/// Typed settings: a struct that the settings, a JSON object, must fit.
///
/// Unknown and missing names are errors; `Option` and `#[settings(default = EXPRESSION)]` make a
/// name optional. `#[serde(...)]` attributes are passed on.
///
/// An enum without fields is a choice: one of its variants' names in snake case, as a text.
///
/// ```
/// # use bifocal_sdk::*;
/// #[derive(Settings)]
/// struct Bots {
///     agents: Vec<String>,
///     #[settings(default = 100)]
///     per_minute: u32,
///     treat: Treat,
/// }
///
/// #[derive(Settings)]
/// enum Treat { LeaveOut, CountApart }
///
/// let bots: Bots = settings::read(r#"{"agents":["crawler"],"treat":"count_apart"}"#).unwrap();
/// assert_eq!((bots.agents.len(), bots.per_minute), (1, 100));
/// assert!(matches!(bots.treat, Treat::CountApart));
/// ```
#[proc_macro_derive(Settings, attributes(settings, serde))]
pub fn settings(item: TokenStream) -> TokenStream {
    expand(item, settings::derive)
}

/// Makes a transform out of a function.
///
/// ```
/// # use bifocal_sdk::*;
/// # #[derive(Event)] struct Order<'a> { shop: &'a str, amount: Decimal<2> }
/// # #[derive(Key)] struct Shop<'a> { shop: &'a str }
/// # #[derive(State)] struct Revenue { amount: Sum<Decimal<2>> }
/// /// Revenue per shop and hour.
/// #[transform(window = "1h", time = "ts")]
/// fn revenue(order: Order, out: &mut Cells<Shop, Revenue>) -> Result<(), Reject> {
///     out.cell(Shop { shop: order.shop }).amount.add(order.amount);
///     Ok(())
/// }
///
/// assert_eq!(revenue().describe("{}").unwrap().summary, "Revenue per shop and hour.");
/// ```
///
/// In its place stands a function of the same name, `fn() -> &'static dyn Plugin`, for tests and
/// native hosts; compiled for WebAssembly the crate exports the transform, so it holds one only.
///
/// The function runs once for each event (with windows that overlap: see `Cells`), so it has no
/// state of its own. A third parameter in the middle, `settings: &Bots`, is for a type with
/// `#[derive(Settings)]`; settings that do not fit are an error of `describe`.
///
/// | argument              | meaning                                                                   |
/// |-----------------------|---------------------------------------------------------------------------|
/// | `window = "1h"`       | windows of this size: `ms`, `s`, `m`, `h`, `d`; left out: one global window |
/// | `slide = "1m"`        | windows that overlap: one starts every so often; divides the size          |
/// | `window = EXPRESSION` | a `Window` or `Option<Window>`, which may read `settings`                   |
/// | `present = FUNCTION`  | outputs from the state by a function; left out: each part of the state      |
/// | `name = "..."`        | left out: the function's name                                               |
/// | `summary = "..."`     | left out: the first paragraph of the function's documentation               |
/// | `time = "PATH"`       | where the event's time is found, unless the stream or a person says otherwise |
/// | `time_unit = "s"`     | the unit of times that are numbers: `s`, `ms`, `us`, `ns`                   |
#[proc_macro_attribute]
pub fn transform(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(arguments as transform::Arguments);
    let function = parse_macro_input!(item as syn::ItemFn);
    transform::expand(&arguments, &function).unwrap_or_else(|error| error.to_compile_error()).into()
}

//! `#[derive(State)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result};

use crate::{codec, shape};

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    let fields = shape::named_fields(item, "State")?;
    let places: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let name = &item.ident;
    let (generics, arguments, bounds) = item.generics.split_for_impl();
    let codec = codec::derive(item)?;
    let shown = shown(item)?;
    Ok(quote! {
        #codec
        #shown

        #[automatically_derived]
        impl #generics ::core::clone::Clone for #name #arguments #bounds {
            #[inline]
            fn clone(&self) -> Self {
                Self { #(#places: ::core::clone::Clone::clone(&self.#places)),* }
            }
        }

        #[automatically_derived]
        impl #generics ::core::default::Default for #name #arguments #bounds {
            #[inline]
            fn default() -> Self {
                Self { #(#places: ::core::default::Default::default()),* }
            }
        }

        #[automatically_derived]
        impl #generics ::bifocal_sdk::state::State for #name #arguments #bounds {
            const ORDER_FREE: bool = true #(&& <#types as ::bifocal_sdk::state::State>::ORDER_FREE)*;
            const ANCHORED: bool = false #(|| <#types as ::bifocal_sdk::state::State>::ANCHORED)*;

            #[inline]
            fn merge(&mut self, right: Self) -> ::core::result::Result<(), ::bifocal_sdk::state::MergeError> {
                #(::bifocal_sdk::state::State::merge(&mut self.#places, right.#places)?;)*
                ::core::result::Result::Ok(())
            }

            fn initial() -> Self {
                Self { #(#places: ::bifocal_sdk::state::State::initial()),* }
            }
        }
    })
}

/// How the state shows itself: as a row, and as a JSON object where it is a part of another state.
/// The bounds are of a lifetime that nothing has, since a bound without parameters that does not
/// hold is refused at once; so a state with a part that shows nothing is fine with a `present`.
fn shown(item: &DeriveInput) -> Result<TokenStream> {
    let fields = shape::named_fields(item, "State")?;
    let names: Vec<_> = fields.iter().map(|field| shape::column_name(field)).collect();
    let places: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let indexes = 0..fields.len();
    let name = &item.ident;
    let (generics, arguments, _) = item.generics.split_for_impl();
    let bounds = quote! { where #(for<'shown> #types: ::bifocal_sdk::state::Present),* };
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::bifocal_sdk::output::Output for #name #arguments #bounds {
            fn fields() -> ::std::vec::Vec<::bifocal_sdk::description::Field> {
                ::std::vec![#(
                    ::bifocal_sdk::description::Field::named(#names, <#types as ::bifocal_sdk::state::Present>::KIND)
                ),*]
            }

            fn push(
                &self,
                columns: &mut [::bifocal_sdk::column::Builder],
            ) -> ::core::result::Result<(), ::bifocal_sdk::value::OutOfRange> {
                #(columns[#indexes].push_datum(&::bifocal_sdk::state::Present::present(&self.#places)?);)*
                ::core::result::Result::Ok(())
            }
        }

        #[automatically_derived]
        impl #generics ::bifocal_sdk::state::Present for #name #arguments #bounds {
            const KIND: ::bifocal_sdk::value::Kind = ::bifocal_sdk::value::Kind::Json;

            fn present(&self) -> ::core::result::Result<::bifocal_sdk::value::Datum, ::bifocal_sdk::value::OutOfRange> {
                ::core::result::Result::Ok(::bifocal_sdk::output::object(&[#((
                    #names,
                    <#types as ::bifocal_sdk::state::Present>::KIND,
                    ::bifocal_sdk::state::Present::present(&self.#places)?,
                )),*]))
            }
        }
    })
}

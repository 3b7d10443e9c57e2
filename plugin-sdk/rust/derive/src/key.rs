//! `#[derive(Key)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result};

use crate::shape;

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    let fields = shape::named_fields(item, "Key")?;
    let names = fields.iter().map(|field| shape::column_name(field));
    let places: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let indexes: Vec<_> = (0..fields.len()).collect();
    let parts = fields.len();
    let name = &item.ident;
    let (generics, arguments, bounds) = item.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::bifocal_sdk::key::Key for #name #arguments #bounds {
            fn fields() -> ::std::vec::Vec<::bifocal_sdk::description::Field> {
                ::std::vec![#(
                    ::bifocal_sdk::description::Field::named(#names, <#types as ::bifocal_sdk::key::KeyPart>::KIND)
                ),*]
            }

            #[inline]
            fn identity(&self) -> u64 {
                let identity = 0;
                #(let identity = ::bifocal_sdk::key::mix_identity(
                    identity,
                    ::bifocal_sdk::key::KeyPart::identity(&self.#places),
                );)*
                identity
            }

            #[inline]
            fn is(&self, other: &Self) -> bool {
                // Not `&&`: one branch for all parts, which nearly always are identical.
                true #(& ::bifocal_sdk::key::KeyPart::is(&self.#places, &other.#places))*
            }

            const NUMBERED: bool = true #(&& <#types as ::bifocal_sdk::key::KeyPart>::NUMBERED)*;
            type Radixes = [::bifocal_sdk::key::Radix; #parts];

            fn radixes(&self) -> Self::Radixes {
                [#(::bifocal_sdk::key::KeyPart::radix(&self.#places)),*]
            }

            #[inline]
            fn place(&self, radixes: &Self::Radixes) -> ::core::option::Option<usize> {
                let place = 0;
                #(let place = radixes[#indexes].append(
                    place,
                    ::bifocal_sdk::key::KeyPart::digit(&self.#places, &radixes[#indexes])?,
                );)*
                ::core::option::Option::Some(place)
            }

            fn push(&self, columns: &mut [::bifocal_sdk::column::Builder]) {
                #(::bifocal_sdk::key::KeyPart::push(&self.#places, &mut columns[#indexes]);)*
            }
        }
    })
}

//! `#[derive(Output)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result};

use crate::shape;

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    let fields = shape::named_fields(item, "Output")?;
    let names = fields.iter().map(|field| shape::column_name(field));
    let places: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let indexes = 0..fields.len();
    let name = &item.ident;
    let (generics, arguments, bounds) = item.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::bifocal_sdk::output::Output for #name #arguments #bounds {
            fn fields() -> ::std::vec::Vec<::bifocal_sdk::description::Field> {
                ::std::vec![#(
                    ::bifocal_sdk::description::Field::named(#names, <#types as ::bifocal_sdk::value::Value>::KIND)
                ),*]
            }

            fn push(
                &self,
                columns: &mut [::bifocal_sdk::column::Builder],
            ) -> ::core::result::Result<(), ::bifocal_sdk::value::OutOfRange> {
                #(columns[#indexes].push_datum(&<#types as ::bifocal_sdk::value::Value>::datum(
                    ::bifocal_sdk::value::Value::lend(&self.#places),
                )?);)*
                ::core::result::Result::Ok(())
            }
        }
    })
}

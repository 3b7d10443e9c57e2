//! `#[derive(Settings)]`: serde's own derive on a twin of the struct, so that an author needs no
//! dependency but the SDK.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, DeriveInput, Error, Expr, Result};

use crate::shape;

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    let fields = shape::named_fields(item, "Settings")?;
    if !item.generics.params.is_empty() {
        return Err(Error::new_spanned(&item.generics, "Settings have no parameters"));
    }
    let name = &item.ident;
    let item_attributes = serde_attributes(&item.attrs);
    let places: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let mut twins = Vec::new();
    let mut defaults = Vec::new();
    for (i, field) in fields.iter().enumerate() {
        let (place, ty, attributes) = (&field.ident, &field.ty, serde_attributes(&field.attrs));
        let default = default_of(&field.attrs)?.map(|default| {
            let function = format_ident!("default_{i}");
            defaults.push(quote! { fn #function() -> #ty { #default } });
            let function = function.to_string();
            quote! { #[serde(default = #function)] }
        });
        twins.push(quote! { #(#attributes)* #default #place: #ty });
    }
    let expected = name.to_string();
    Ok(quote! {
        const _: () = {
            #(#defaults)*

            #[derive(::bifocal_sdk::serde::Deserialize)]
            #[serde(crate = "::bifocal_sdk::serde", deny_unknown_fields, rename = #expected)]
            #(#item_attributes)*
            struct Twin { #(#twins),* }

            #[automatically_derived]
            impl<'de> ::bifocal_sdk::serde::Deserialize<'de> for #name {
                fn deserialize<D: ::bifocal_sdk::serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> ::core::result::Result<Self, D::Error> {
                    let twin = <Twin as ::bifocal_sdk::serde::Deserialize>::deserialize(deserializer)?;
                    ::core::result::Result::Ok(Self { #(#places: twin.#places),* })
                }
            }
        };
    })
}

fn serde_attributes(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("serde")).collect()
}

/// `#[settings(default = EXPRESSION)]`
fn default_of(attributes: &[Attribute]) -> Result<Option<Expr>> {
    let mut default = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("settings")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("default") {
                return Err(meta.error("expected default = EXPRESSION"));
            }
            default = Some(meta.value()?.parse()?);
            Ok(())
        })?;
    }
    Ok(default)
}

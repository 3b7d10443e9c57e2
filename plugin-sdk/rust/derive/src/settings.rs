//! `#[derive(Settings)]`: serde's own derive on a twin of the struct, so that an author needs no
//! dependency but the SDK.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Data, DataEnum, DeriveInput, Error, Expr, Fields, Result};

use crate::shape;

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    if let Data::Enum(data) = &item.data {
        return choice(item, data);
    }
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

/// An enum without fields: one of several texts.
fn choice(item: &DeriveInput, data: &DataEnum) -> Result<TokenStream> {
    if let Some(variant) = data.variants.iter().find(|variant| !matches!(variant.fields, Fields::Unit)) {
        return Err(Error::new_spanned(variant, "a choice of Settings has no fields"));
    }
    let name = &item.ident;
    let item_attributes = serde_attributes(&item.attrs);
    let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let attributes = data.variants.iter().map(|variant| serde_attributes(&variant.attrs));
    Ok(quote! {
        const _: () = {
            #[derive(::bifocal_sdk::serde::Deserialize)]
            #[serde(crate = "::bifocal_sdk::serde", rename_all = "snake_case")]
            #(#item_attributes)*
            enum Twin { #(#(#attributes)* #variants),* }

            #[automatically_derived]
            impl<'de> ::bifocal_sdk::serde::Deserialize<'de> for #name {
                fn deserialize<D: ::bifocal_sdk::serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> ::core::result::Result<Self, D::Error> {
                    let twin = <Twin as ::bifocal_sdk::serde::Deserialize>::deserialize(deserializer)?;
                    ::core::result::Result::Ok(match twin { #(Twin::#variants => Self::#variants),* })
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

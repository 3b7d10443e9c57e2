//! `#[derive(Codec)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Fields, Result};

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    let (encode, decode) = match &item.data {
        Data::Struct(data) => {
            let (pattern, encode, decode) = parts(&quote!(Self), &data.fields);
            (quote! { let #pattern = self; #encode }, decode)
        }
        Data::Enum(data) => {
            let mut encodes = Vec::new();
            let mut decodes = Vec::new();
            for (i, variant) in data.variants.iter().enumerate() {
                let Ok(tag) = u8::try_from(i) else {
                    return Err(Error::new_spanned(variant, "Codec writes at most 256 variants"));
                };
                let name = &variant.ident;
                let (pattern, encode, decode) = parts(&quote!(Self::#name), &variant.fields);
                encodes.push(quote! { #pattern => { out.push(#tag); #encode } });
                decodes.push(quote! { #tag => #decode });
            }
            let decode = quote! {
                match {
                    let (tag, rest) =
                        input.split_first().ok_or(::bifocal_sdk::value::DecodeError::Short)?;
                    *input = rest;
                    *tag
                } {
                    #(#decodes,)*
                    _ => return ::core::result::Result::Err(
                        ::bifocal_sdk::value::DecodeError::Malformed("a variant that there is not"),
                    ),
                }
            };
            (quote! { match self { #(#encodes)* } }, decode)
        }
        Data::Union(_) => return Err(Error::new_spanned(&item.ident, "Codec cannot write a union")),
    };
    let name = &item.ident;
    let (generics, arguments, bounds) = item.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::bifocal_sdk::value::Codec for #name #arguments #bounds {
            #[inline]
            fn encode(&self, out: &mut ::std::vec::Vec<u8>) {
                #encode
            }

            #[inline]
            fn decode(input: &mut &[u8]) -> ::core::result::Result<Self, ::bifocal_sdk::value::DecodeError> {
                ::core::result::Result::Ok(#decode)
            }
        }
    })
}

/// A pattern that binds all fields, what encodes the bound ones, and what decodes them.
fn parts(path: &TokenStream, fields: &Fields) -> (TokenStream, TokenStream, TokenStream) {
    let places: Vec<_> = fields.members().collect();
    let bound: Vec<_> = (0..places.len()).map(|i| format_ident!("part_{i}")).collect();
    (
        quote! { #path { #(#places: #bound),* } },
        quote! { #(::bifocal_sdk::value::Codec::encode(#bound, out);)* },
        quote! { #path { #(#places: ::bifocal_sdk::value::Codec::decode(input)?),* } },
    )
}

//! `#[derive(Event)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, Data, DataEnum, DeriveInput, Error, Field, Fields, Lifetime, LitStr, Result, Type, Variant,
};

use crate::shape;

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    let own = shape::only_lifetime(item)?;
    let lifetime = own.clone().unwrap_or_else(|| Lifetime::new("'event", item.ident.span()));
    let body = match &item.data {
        Data::Enum(data) => enum_body(item, data, &lifetime)?,
        _ => struct_body(item, &lifetime)?,
    };
    let name = &item.ident;
    let arguments = own.map(|own| quote!(<#own>));
    Ok(quote! {
        #[automatically_derived]
        impl<#lifetime> ::bifocal_sdk::event::Event<#lifetime> for #name #arguments { #body }
    })
}

/// What `#[event(...)]` says.
#[derive(Default)]
struct Said {
    path: Option<LitStr>,
    tag: Option<LitStr>,
    name: Option<LitStr>,
}

impl Said {
    /// Reads the attributes of an item, of which it may have the one named `allowed`.
    fn read(attributes: &[Attribute], allowed: &str) -> Result<Said> {
        let mut said = Said::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("event")) {
            attribute.parse_nested_meta(|meta| {
                if !meta.path.is_ident(allowed) {
                    return Err(meta.error(format!("expected {allowed} = \"...\" here")));
                }
                let place = match allowed {
                    "path" => &mut said.path,
                    "tag" => &mut said.tag,
                    _ => &mut said.name,
                };
                *place = Some(meta.value()?.parse()?);
                Ok(())
            })?;
        }
        Ok(said)
    }
}

/// An input column, and the readers that make fields of it.
struct Column {
    name: String,
    path: String,
    /// The type that reads it; where variants share the column, that of the first.
    ty: Type,
    required: bool,
}

fn path_of(field: &Field) -> Result<String> {
    let said = Said::read(&field.attrs, "path")?;
    Ok(said.path.map_or_else(|| shape::column_name(field), |path| path.value()))
}

fn field_declaration(column: &Column, lifetime: &Lifetime) -> TokenStream {
    let Column { name, path, ty, required } = column;
    quote! {
        ::bifocal_sdk::description::Field {
            name: ::std::string::String::from(#name),
            path: ::std::string::String::from(#path),
            kind: <#ty as ::bifocal_sdk::event::EventField<#lifetime>>::KIND,
            required: #required && <#ty as ::bifocal_sdk::event::EventField<#lifetime>>::REQUIRED,
        }
    }
}

/// A path as a person reads it in a reason: the whole payload has no name.
fn shown_path(path: &str) -> &str {
    if path.is_empty() { "payload" } else { path }
}

/// A call of `how` that reads a field from its column.
fn read(how: &str, ty: &Type, column: usize, path: &str) -> TokenStream {
    let (how, index, path) = (format_ident!("{how}"), syn::Index::from(column), shown_path(path));
    quote! { <#ty as ::bifocal_sdk::event::EventField>::#how(&reader.#index, row, #path)? }
}

fn struct_body(item: &DeriveInput, lifetime: &Lifetime) -> Result<TokenStream> {
    if let Some(tag) = Said::read(&item.attrs, "tag")?.tag {
        return Err(Error::new_spanned(tag, "a tag chooses among the variants of an enum"));
    }
    let fields = shape::named_fields(item, "Event")?;
    let mut columns = Vec::new();
    for field in &fields {
        let (name, path) = (shape::column_name(field), path_of(field)?);
        columns.push(Column { name, path, ty: field.ty.clone(), required: true });
    }
    let places = fields.iter().map(|field| &field.ident);
    let reads = columns.iter().enumerate().map(|(i, column)| read("read", &column.ty, i, &column.path));
    let shared = shared_body(&columns, None, lifetime);
    Ok(quote! {
        #shared

        #[inline]
        fn read(
            reader: &Self::Reader,
            row: usize,
        ) -> ::core::result::Result<Self, ::bifocal_sdk::Reject> {
            ::core::result::Result::Ok(Self { #(#places: #reads),* })
        }
    })
}

/// The reader, the inputs and `open`: one column after the other, the tag's last in the reader.
fn shared_body(columns: &[Column], tag: Option<(&str, &[String])>, lifetime: &Lifetime) -> TokenStream {
    let types: Vec<_> = columns.iter().map(|column| &column.ty).collect();
    let paths: Vec<_> = columns.iter().map(|column| shown_path(&column.path)).collect();
    let declarations = columns.iter().map(|column| field_declaration(column, lifetime));
    let sparse = tag.is_some();
    let places = (0..columns.len() + usize::from(sparse)).map(syn::Index::from);
    let count = columns.len() + usize::from(sparse);
    let tag_type = tag.map(|_| quote! { ::bifocal_sdk::event::Tags<#lifetime>, });
    let tag_open = tag.map(|(path, names)| {
        quote! { ::bifocal_sdk::event::Tags::open(&mut columns, #path, &[#(#names),*])?, }
    });
    let tag_declaration = tag.map(|(path, _)| {
        quote! { ::bifocal_sdk::description::Field {
            name: ::std::string::String::from(#path),
            path: ::std::string::String::from(#path),
            kind: ::bifocal_sdk::value::Kind::Text,
            required: true,
        }, }
    });
    quote! {
        type Reader = (#(<#types as ::bifocal_sdk::event::EventField<#lifetime>>::Reader,)* #tag_type);

        fn inputs() -> ::std::vec::Vec<::bifocal_sdk::description::Field> {
            ::std::vec![#(#declarations,)* #tag_declaration]
        }

        fn open(
            columns: &#lifetime [::bifocal_sdk::column::Column],
            rows: usize,
        ) -> ::core::result::Result<Self::Reader, ::std::string::String> {
            let mut columns = ::bifocal_sdk::event::Columns::new(columns, rows, #count)?;
            ::core::result::Result::Ok((#(columns.take::<#types>(#paths, #sparse)?,)* #tag_open))
        }

        #[inline]
        fn fits(reader: &Self::Reader, rows: usize) -> bool {
            true #(&& ::bifocal_sdk::event::Source::fits(&reader.#places, rows))*
        }
    }
}

fn enum_body(item: &DeriveInput, data: &DataEnum, lifetime: &Lifetime) -> Result<TokenStream> {
    let Some(tag) = Said::read(&item.attrs, "tag")?.tag.map(|tag| tag.value()) else {
        return Err(Error::new_spanned(
            &item.ident,
            "an enum of events needs #[event(tag = \"...\")]: the path of the text that chooses the variant",
        ));
    };
    let mut columns = Vec::new();
    let mut names = Vec::new();
    let mut arms = Vec::new();
    for (i, variant) in data.variants.iter().enumerate() {
        let name = variant_name(variant)?;
        if names.contains(&name) {
            return Err(Error::new_spanned(variant, format!("two variants are named '{name}'")));
        }
        names.push(name);
        let read = variant_read(variant, &mut columns)?;
        let i = i as u32;
        arms.push(quote! { #i => #read });
    }
    if names.is_empty() {
        return Err(Error::new_spanned(&item.ident, "an enum of events needs at least one variant"));
    }
    require_what_all_have(data, &mut columns)?;
    let shared = shared_body(&columns, Some((&tag, &names)), lifetime);
    let tags = syn::Index::from(columns.len());
    Ok(quote! {
        #shared

        fn only() -> ::core::option::Option<::bifocal_sdk::description::Filter> {
            ::core::option::Option::Some(::bifocal_sdk::description::Filter {
                path: ::std::string::String::from(#tag),
                one_of: ::std::vec![#(::std::string::String::from(#names)),*],
            })
        }

        #[inline]
        fn read(
            reader: &Self::Reader,
            row: usize,
        ) -> ::core::result::Result<Self, ::bifocal_sdk::Reject> {
            ::core::result::Result::Ok(match reader.#tags.variant(row) {
                #(#arms,)*
                _ => return ::core::result::Result::Err(reader.#tags.unknown(row, #tag)),
            })
        }
    })
}

fn variant_name(variant: &Variant) -> Result<String> {
    let said = Said::read(&variant.attrs, "name")?;
    Ok(said.name.map_or_else(|| shape::name_of(&variant.ident), |name| name.value()))
}

/// What reads a variant; adds the columns that no variant before it has.
fn variant_read(variant: &Variant, columns: &mut Vec<Column>) -> Result<TokenStream> {
    let ident = &variant.ident;
    let fields = match &variant.fields {
        Fields::Unit => return Ok(quote! { Self::#ident }),
        Fields::Named(fields) => &fields.named,
        Fields::Unnamed(_) => {
            return Err(Error::new_spanned(
                variant,
                "a variant of an event has named fields, or none at all",
            ));
        }
    };
    let mut reads = Vec::new();
    for field in fields {
        let path = path_of(field)?;
        let same = |column: &Column| column.path == path && text(&column.ty) == text(&field.ty);
        let index = columns.iter().position(same).unwrap_or_else(|| {
            let (name, path) = (shape::column_name(field), path.clone());
            columns.push(Column { name, path, ty: field.ty.clone(), required: false });
            columns.len() - 1
        });
        let (place, read) = (&field.ident, read("read_sparse", &field.ty, index, &path));
        reads.push(quote! { #place: #read });
    }
    Ok(quote! { Self::#ident { #(#reads),* } })
}

/// The type of a column: that of the field, `Option` or not.
fn text(ty: &Type) -> String {
    shape::unwrap_option(ty).0.to_token_stream().to_string()
}

/// The host rejects events without a column that every variant needs.
fn require_what_all_have(data: &DataEnum, columns: &mut [Column]) -> Result<()> {
    for column in columns {
        let mut all = true;
        for variant in &data.variants {
            let mut has = false;
            for field in &variant.fields {
                let same = path_of(field)? == column.path && text(&field.ty) == text(&column.ty);
                has |= same && !shape::unwrap_option(&field.ty).1;
            }
            all &= has;
        }
        column.required = all;
    }
    Ok(())
}

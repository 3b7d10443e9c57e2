//! What a derive may ask of an item: its named fields, its one lifetime, its variants.

use syn::{Data, DeriveInput, Error, Field, GenericArgument, Ident, Lifetime, PathArguments, Result, Type};

/// The fields of a struct, by name; none is an error.
pub fn named_fields<'i>(item: &'i DeriveInput, derive: &str) -> Result<Vec<&'i Field>> {
    let fields = match &item.data {
        Data::Struct(data) if data.fields.iter().all(|field| field.ident.is_some()) => &data.fields,
        _ => {
            return Err(Error::new_spanned(
                &item.ident,
                format!("{derive} needs a struct with named fields"),
            ));
        }
    };
    if fields.is_empty() {
        return Err(Error::new_spanned(&item.ident, format!("{derive} needs at least one field")));
    }
    Ok(fields.iter().collect())
}

/// The name of a field as columns have it.
pub fn column_name(field: &Field) -> String {
    field.ident.as_ref().map(name_of).unwrap_or_default()
}

/// An identifier as text, without `r#`.
pub fn name_of(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}

/// The item's lifetime, which must be its only parameter; `None` if it has no parameter.
pub fn only_lifetime(item: &DeriveInput) -> Result<Option<Lifetime>> {
    let mut lifetimes = item.generics.lifetimes().map(|parameter| parameter.lifetime.clone());
    let first = lifetimes.next();
    if lifetimes.next().is_some() || item.generics.type_params().next().is_some() {
        return Err(Error::new_spanned(&item.generics, "at most one parameter is possible here: a lifetime"));
    }
    Ok(first)
}

/// `T` of `Option<T>`, as far as it can be seen from its name; else the type itself.
pub fn unwrap_option(ty: &Type) -> (&Type, bool) {
    let Type::Path(path) = ty else { return (ty, false) };
    let Some(last) = path.path.segments.last() else { return (ty, false) };
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) if last.ident == "Option" => match arguments.args.first() {
            Some(GenericArgument::Type(inner)) => (inner, true),
            _ => (ty, false),
        },
        _ => (ty, false),
    }
}

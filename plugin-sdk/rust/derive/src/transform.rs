//! `#[transform]`: a function becomes a plugin.

use proc_macro2::{Group, Ident as Word, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, FnArg, Ident, ItemFn, Lit, LitStr, Meta, Result, Token, Type};

use crate::{duration, shape};

/// What stands in the brackets of the attribute.
#[derive(Default)]
pub struct Arguments {
    name: Option<LitStr>,
    summary: Option<LitStr>,
    window: Option<Expr>,
    slide: Option<LitStr>,
    present: Option<Expr>,
    time: Option<LitStr>,
    time_unit: Option<LitStr>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream) -> Result<Arguments> {
        let mut arguments = Arguments::default();
        for argument in Punctuated::<Argument, Token![,]>::parse_terminated(input)? {
            arguments.take(argument)?;
        }
        Ok(arguments)
    }
}

struct Argument {
    name: Ident,
    value: Expr,
}

impl Parse for Argument {
    fn parse(input: ParseStream) -> Result<Argument> {
        let name = input.parse()?;
        input.parse::<Token![=]>()?;
        Ok(Argument { name, value: input.parse()? })
    }
}

impl Arguments {
    fn take(&mut self, Argument { name, value }: Argument) -> Result<()> {
        let place = match name.to_string().as_str() {
            "window" => return set(&mut self.window, &name, value),
            "present" => return set(&mut self.present, &name, value),
            "name" => &mut self.name,
            "summary" => &mut self.summary,
            "slide" => &mut self.slide,
            "time" => &mut self.time,
            "time_unit" => &mut self.time_unit,
            _ => {
                let message = "expected window, slide, present, name, summary, time or time_unit";
                return Err(Error::new_spanned(&name, message));
            }
        };
        let text = as_text(&value).ok_or_else(|| Error::new_spanned(&value, "expected a text in quotes"))?;
        set(place, &name, text)
    }

    /// An expression of type `Option<Window>`.
    fn window(&self) -> Result<TokenStream> {
        let Some(window) = &self.window else {
            return match &self.slide {
                Some(slide) => Err(Error::new_spanned(slide, "a slide needs a window")),
                None => Ok(quote!(::core::option::Option::None)),
            };
        };
        let Some(size) = as_text(window) else {
            return match &self.slide {
                Some(slide) => {
                    Err(Error::new_spanned(slide, "the expression for the window has its own slide"))
                }
                None => Ok(quote!(::core::convert::Into::into(#window))),
            };
        };
        let size_ms = parse_ms(&size)?;
        let slide_ms = self.slide.as_ref().map_or(Ok(size_ms), parse_ms)?;
        if slide_ms > size_ms || size_ms % slide_ms != 0 {
            return Err(Error::new_spanned(&self.slide, "the slide must divide the window"));
        }
        Ok(quote! {
            ::core::option::Option::Some(::bifocal_sdk::Window::hopping(#size_ms, #slide_ms))
        })
    }

    fn annotations(&self) -> Result<TokenStream> {
        if let Some(unit) = &self.time_unit
            && !matches!(unit.value().as_str(), "s" | "ms" | "us" | "ns")
        {
            return Err(Error::new_spanned(unit, "expected s, ms, us or ns"));
        }
        let time = self.time.iter().map(|path| quote! { ("time", #path) });
        let unit = self.time_unit.iter().map(|unit| quote! { ("time-unit", #unit) });
        Ok(quote! { &[#(#time,)* #(#unit,)*] })
    }
}

fn set<T>(place: &mut Option<T>, name: &Ident, value: T) -> Result<()> {
    match place.replace(value) {
        Some(_) => Err(Error::new_spanned(name, format!("{name} is there twice"))),
        None => Ok(()),
    }
}

fn as_text(value: &Expr) -> Option<LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
        _ => None,
    }
}

fn parse_ms(text: &LitStr) -> Result<i64> {
    duration::parse_ms(&text.value()).map_err(|message| Error::new_spanned(text, message))
}

/// The parameters of a transform: the event, settings if it has any, the cells.
struct Parameters<'f> {
    /// Types, with lifetimes that the function names left out: they stand in other functions too.
    event: TokenStream,
    settings: Option<&'f syn::PatType>,
    cells: TokenStream,
}

impl Parameters<'_> {
    fn of(function: &ItemFn) -> Result<Parameters<'_>> {
        let signature = "a transform is a function of an event, perhaps its settings, and its cells: \
                         fn f(event: E, settings: &T, out: &mut Cells<K, S>) -> Result<(), Reject>";
        let wrong = || Error::new_spanned(&function.sig, signature);
        let inputs = function.sig.inputs.iter().map(|argument| match argument {
            FnArg::Typed(typed) => Ok(typed),
            FnArg::Receiver(_) => Err(wrong()),
        });
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let (event, settings, cells) = match inputs.as_slice() {
            [event, cells] => (event, None, cells),
            [event, settings, cells] => (event, Some(*settings), cells),
            _ => return Err(wrong()),
        };
        match &*cells.ty {
            Type::Reference(cells) if cells.mutability.is_some() => {
                let unnamed = |ty: &Type| unname(ty.to_token_stream(), function);
                Ok(Parameters { event: unnamed(&event.ty), settings, cells: unnamed(&cells.elem) })
            }
            _ => Err(wrong()),
        }
    }

    /// What reads the settings and binds them to the parameter's name; the text of the settings is in
    /// `__settings`.
    fn read_settings(&self) -> Result<TokenStream> {
        let Some(parameter) = self.settings else { return Ok(TokenStream::new()) };
        let Type::Reference(reference) = &*parameter.ty else {
            return Err(Error::new_spanned(&parameter.ty, "settings are passed by reference: &T"));
        };
        let (name, ty) = (&parameter.pat, &reference.elem);
        Ok(quote! {
            let __read: #ty = ::bifocal_sdk::settings::read(__settings)?;
            #[allow(unused_variables)]
            let #name: &#ty = &__read;
        })
    }
}

/// `Order<'_>` for `Order<'a>` if `'a` is a parameter of the function.
fn unname(tokens: TokenStream, function: &ItemFn) -> TokenStream {
    let is_parameter = |word: &Word| function.sig.generics.lifetimes().any(|one| one.lifetime.ident == *word);
    let mut after_quote = false;
    let rename = |token| {
        let is_name = std::mem::replace(&mut after_quote, false);
        match token {
            TokenTree::Ident(word) if is_name && is_parameter(&word) => {
                TokenTree::Ident(Word::new("_", word.span()))
            }
            TokenTree::Group(group) => {
                TokenTree::Group(Group::new(group.delimiter(), unname(group.stream(), function)))
            }
            TokenTree::Punct(mark) => {
                after_quote = mark.as_char() == '\'';
                TokenTree::Punct(mark)
            }
            token => token,
        }
    };
    tokens.into_iter().map(rename).collect()
}

pub fn expand(arguments: &Arguments, function: &ItemFn) -> Result<TokenStream> {
    let parameters = Parameters::of(function)?;
    let describe = describe(arguments, function, &parameters)?;
    let fold = fold(arguments, function, &parameters)?;
    let cells = &parameters.cells;
    let present = match &arguments.present {
        Some(present) => quote! { ::bifocal_sdk::run::present_with::<#cells, _>(states, #present) },
        None => quote! { ::bifocal_sdk::run::present::<#cells>(states) },
    };
    let has_settings = parameters.settings.is_some();
    let (name, visibility) = (&function.sig.ident, &function.vis);
    let documentation = function.attrs.iter().filter(|attribute| attribute.path().is_ident("doc"));
    Ok(quote! {
        #(#documentation)*
        #[allow(dead_code)]
        #visibility fn #name() -> &'static dyn ::bifocal_sdk::Plugin {
            struct Transform;

            impl ::bifocal_sdk::Plugin for Transform {
                #describe

                #fold

                fn merge(
                    &self,
                    left: &::bifocal_sdk::column::Blobs,
                    right: &::bifocal_sdk::column::Blobs,
                ) -> ::core::result::Result<::bifocal_sdk::column::Blobs, ::std::string::String> {
                    ::bifocal_sdk::run::merge::<#cells>(left, right)
                }

                fn present(
                    &self,
                    _keys: &[::bifocal_sdk::column::Column],
                    _windows: &[u8],
                    states: &::bifocal_sdk::column::Blobs,
                ) -> ::core::result::Result<
                    ::std::vec::Vec<::bifocal_sdk::column::Column>,
                    ::std::string::String,
                > {
                    #present
                }

                fn has_settings(&self) -> bool {
                    #has_settings
                }
            }

            ::bifocal_sdk::export_plugin!(Transform);

            &Transform
        }
    })
}

fn describe(arguments: &Arguments, function: &ItemFn, parameters: &Parameters) -> Result<TokenStream> {
    let (event, cells) = (&parameters.event, &parameters.cells);
    let window = arguments.window()?;
    let annotations = arguments.annotations()?;
    let name = arguments.name.as_ref().map_or_else(|| shape::name_of(&function.sig.ident), LitStr::value);
    let summary = arguments.summary.as_ref().map_or_else(|| first_paragraph(function), LitStr::value);
    let outputs = match &arguments.present {
        Some(present) => quote! {
            ::bifocal_sdk::run::outputs_of::<<#cells as ::bifocal_sdk::run::CellsOf>::State, _>(#present)
        },
        None => quote! { ::bifocal_sdk::run::outputs::<#cells>() },
    };
    let settings = match parameters.settings {
        Some(_) => parameters.read_settings()?,
        None => quote! { ::bifocal_sdk::settings::refuse(__settings)?; },
    };
    Ok(quote! {
        fn describe(
            &self,
            __settings: &str,
        ) -> ::core::result::Result<::bifocal_sdk::description::Description, ::std::string::String> {
            #settings
            ::bifocal_sdk::run::describe::<#event, #cells>(::bifocal_sdk::run::Said {
                name: #name,
                summary: #summary,
                window: #window,
                outputs: #outputs,
                annotations: #annotations,
            })
        }
    })
}

/// The function becomes a closure: in one, unlike in a function, the lifetimes that the types of
/// event and key leave out are inferred, so that a key can borrow from its event.
fn fold(arguments: &Arguments, function: &ItemFn, parameters: &Parameters) -> Result<TokenStream> {
    let window = arguments.window()?;
    let settings = parameters.read_settings()?;
    let (inputs, output, block) = (&function.sig.inputs, &function.sig.output, &function.block);
    let allowed = function.attrs.iter().filter(|attribute| is_lint(attribute));
    let transform = if function.sig.generics.params.is_empty() {
        let (event, cells) = (inputs.first(), inputs.last());
        quote! { |#event, #cells| #output #block }
    } else if parameters.settings.is_none() {
        // Lifetimes that are named work as they are. The attributes stay on the function.
        let name = &function.sig.ident;
        quote! {{ #function #name }}
    } else {
        let generics = &function.sig.generics;
        return Err(Error::new_spanned(generics, "a transform with settings names no lifetimes"));
    };
    Ok(quote! {
        #(#allowed)*
        fn fold(
            &self,
            #[allow(unused_variables)]
            __settings: &str,
            __events: &::bifocal_sdk::Events,
        ) -> ::core::result::Result<::bifocal_sdk::plugin::Folded, ::std::string::String> {
            #settings
            ::bifocal_sdk::run::fold(__events, #window, #transform)
        }
    })
}

fn is_lint(attribute: &syn::Attribute) -> bool {
    ["allow", "expect", "warn", "deny"].iter().any(|name| attribute.path().is_ident(name))
}

/// The documentation up to the first empty line, in one line.
fn first_paragraph(function: &ItemFn) -> String {
    let line = |attribute: &syn::Attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => as_text(&meta.value).map(|text| text.value()),
        _ => None,
    };
    let lines: Vec<String> =
        function.attrs.iter().filter_map(line).map(|line| line.trim().to_owned()).collect();
    let paragraph: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty())
        .collect();
    paragraph.join(" ")
}

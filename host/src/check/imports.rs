//! Frozen imports that deserve a word: a clock or randomness that the author, and not the runtime
//! of the language, asked for.

/// What the toolchains of interpreted languages leave in their components. Their runtimes ask for
/// clocks and randomness whatever the author wrote.
const RUNTIMES: [&str; 6] =
    ["componentize-py", "ComponentizeJS", "componentize-js", "StarlingMonkey", "SpiderMonkey", "QuickJS"];

/// Standard libraries link these when code may panic or print; only these two can shape a result.
const SHAPING: [&str; 2] = ["wasi:clocks/", "wasi:random/"];

/// Of the frozen imports of a component those that are not known to be its runtime's own.
pub fn authored<'i>(component: &[u8], frozen: impl Iterator<Item = &'i str>) -> Vec<String> {
    if RUNTIMES.iter().any(|runtime| memchr::memmem::find(component, runtime.as_bytes()).is_some()) {
        return Vec::new();
    }
    let shapes = |import: &&str| SHAPING.iter().any(|interface| import.starts_with(interface));
    frozen.filter(shapes).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_named_unless_the_runtime_may_have_asked_for_it() {
        let frozen = ["wasi:cli/stderr@0.2.6", "wasi:clocks/wall-clock@0.2.6", "wasi:random/random@0.2.6"];
        assert_eq!(authored(b"rust", frozen.into_iter()), frozen[1..]);
        assert_eq!(authored(b"... StarlingMonkey ...", frozen.into_iter()), Vec::<String>::new());
    }
}

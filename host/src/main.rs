//! The `bifocal` binary.

/// What one thread makes and another lets go, as events and answers are, costs half as much as with the
/// system's allocator, and memory that was let go is given back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    bifocal::cli::main(std::env::args_os())
}

//! The `bifocal` binary.

fn main() -> std::process::ExitCode {
    bifocal::cli::main(std::env::args_os())
}

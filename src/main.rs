//! Command line in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut out, mut problems) = (std::io::stdout(), std::io::stderr());
    leastway::cli::run(std::env::args_os(), &mut out, &mut problems).into()
}

//! Command line in, exit code out.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes many small allocations and a few of a page or more, which the system's allocator pays for
/// by tidying up each time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let (mut out, mut problems) = (std::io::stdout(), std::io::stderr());
    leastway::cli::run(std::env::args_os(), &mut out, &mut problems).into()
}

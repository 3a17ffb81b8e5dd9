//! A PROXY header asks for no more than its bound, and says the same whatever follows it.
#![no_main]

use leastway::gateway::proxy_header::{Step, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut length = 0;
    // Fed as it asks to be.
    loop {
        let Some(header) = bytes.get(..length) else { return };
        match parse(header) {
            Ok(Step::Needs(more)) => {
                assert!(more > 0, "it goes on");
                length += more;
                assert!(length <= 16 + 2048, "it has a bound");
            }
            Ok(Step::Done(_)) | Err(_) => return,
        }
    }
});

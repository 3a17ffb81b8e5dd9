//! A packed file is counted as another reader unpacks it, however it is cut. The first byte is the size of a piece, the second the
//! packing; the rest is a file, or what is put into one here.
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use leastway::domain::count::Count;
use leastway::domain::reply_shape::{PackedShape, Packing, ReplyKind};

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let (cut, choice) = (input.byte(), input.byte());
    let body = input.rest();
    let csv = ReplyKind::Csv { delimiter: Some(b','), header: false };
    let by = if choice % 2 == 0 { Packing::Gzip } else { Packing::Zstd };
    let kind = ReplyKind::Packed(PackedShape { by, of: Box::new(csv.clone()) });
    if let Count::Exactly(number) = count(&kind, None, body, cut).records
        && !body.is_empty()
    {
        let plain = unpack(by, body).expect("what is counted can be unpacked");
        assert_eq!(count(&csv, None, &plain, cut).records, Count::Exactly(number));
    }
    let packed = pack(by, body);
    if let Count::Exactly(number) = count(&kind, None, &packed, cut).records {
        assert_eq!(count(&csv, None, body, cut).records, Count::Exactly(number));
    }
    let twice = pack(by, &packed);
    assert!(matches!(count(&kind, None, &twice, cut).records, Count::Unknown(_)));
}

fn pack(by: Packing, plain: &[u8]) -> Vec<u8> {
    match by {
        Packing::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(plain).expect("memory");
            encoder.finish().expect("memory")
        }
        Packing::Zstd => zstd::encode_all(plain, 1).expect("memory"),
    }
}

fn unpack(by: Packing, file: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    match by {
        Packing::Gzip => MultiGzDecoder::new(file).read_to_end(&mut plain).ok().map(|_| plain),
        Packing::Zstd => zstd::decode_all(file).ok(),
    }
}

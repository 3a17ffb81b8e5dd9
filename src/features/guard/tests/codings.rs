//! Compressed replies.

use super::*;

pub(in crate::features::guard) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(in crate::features::guard) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(in crate::features::guard) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).unwrap()
}

/// Brotli without compression: meta-blocks of stored bytes (RFC 7932 section 9.2).
pub(in crate::features::guard) fn brotli(bytes: &[u8]) -> Vec<u8> {
    // Window of 16 bits, one 0 bit. Then each block: not last, four nibbles of length, stored.
    let mut encoded = Vec::new();
    for (number, block) in bytes.chunks(0x8000).enumerate() {
        let length = u32::try_from(block.len() - 1).unwrap();
        let header = length << 3 | 1 << 19;
        if number == 0 {
            // The window's bit comes first.
            encoded.extend_from_slice(&(header << 1).to_le_bytes()[..3]);
        } else {
            encoded.extend_from_slice(&header.to_le_bytes()[..3]);
        }
        encoded.extend_from_slice(block);
    }
    encoded.push(3);
    encoded
}

#[test]
fn every_coding_that_is_let_through_is_counted_inside() {
    type Encode = fn(&[u8]) -> Vec<u8>;
    let codings: [(&str, Encode); 7] = [
        ("gzip", gzip),
        ("x-gzip", gzip),
        ("GZIP", gzip),
        ("deflate", zlib),
        ("deflate", deflate),
        ("br", brotli),
        ("zstd", zstd),
    ];
    for (coding, encode) in codings {
        for size in [1, 7, 1 << 20] {
            let reply = |rows| {
                let body = encode(&csv(rows));
                Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(size))
                    .header(CONTENT_ENCODING, coding)
            };
            let out = reply(10).released(&terms(Action::Export));
            assert_eq!(out.bytes, encode(&csv(10)), "{coding}: the original bytes");
            assert_eq!(out.record.records, Count::Exactly(10), "{coding}");
            let withheld = reply(5000).withheld(&terms(Action::Export));
            assert_eq!(withheld.reason(), Reason::ExportOverRequestLimit, "{coding}");
        }
    }
}

#[test]
fn a_compressed_body_that_decodes_to_much_is_decoded_to_its_end() {
    // The decoded bytes fill the decoder's buffer many times from one small piece.
    let padding = "x".repeat(300 * 1024);
    let body = serde_json::to_vec(&serde_json::json!({ "pad": padding, "data": [1, 2, 3] })).unwrap();
    for (coding, encoded) in
        [("gzip", gzip(&body)), ("deflate", deflate(&body)), ("deflate", zlib(&body)), ("zstd", zstd(&body))]
    {
        Reply::of(Some(json_shape()), "application/json", encoded)
            .header(CONTENT_ENCODING, coding)
            .carries(3);
    }
}

#[test]
fn all_members_of_a_gzip_body_are_counted() {
    let body = csv(12);
    let (first, second) = body.split_at(60);
    let members = [gzip(first), gzip(second)].concat();
    let reply = Reply::of(Some(csv_shape()), "text/csv", &members).header(CONTENT_ENCODING, "gzip");
    assert_eq!(reply.withheld(&terms(Action::Export)).reason(), Reason::ExportOverRequestLimit);
    let frames = [zstd(first), zstd(second)].concat();
    let reply = Reply::of(Some(csv_shape()), "text/csv", &frames).header(CONTENT_ENCODING, "zstd");
    assert_eq!(reply.withheld(&terms(Action::Export)).reason(), Reason::ExportOverRequestLimit);
}

#[test]
fn what_does_not_decode_to_its_very_end_stays_unknown() {
    let junk = |encoded: Vec<u8>| [encoded, csv(50)].concat();
    let cut = |encoded: Vec<u8>| encoded[..encoded.len() - 5].to_vec();
    let cases = [
        ("gzip", junk(gzip(&csv(3))), WhyUnknown::Undecodable),
        ("deflate", junk(zlib(&csv(3))), WhyUnknown::Undecodable),
        ("br", junk(brotli(&csv(3))), WhyUnknown::Undecodable),
        ("zstd", junk(zstd(&csv(3))), WhyUnknown::Undecodable),
        ("gzip", cut(gzip(&csv(3))), WhyUnknown::Incomplete),
        ("deflate", cut(zlib(&csv(3))), WhyUnknown::Incomplete),
        ("br", cut(brotli(&csv(3))), WhyUnknown::Incomplete),
        ("zstd", cut(zstd(&csv(3))), WhyUnknown::Incomplete),
        ("gzip", csv(3), WhyUnknown::Undecodable),
        ("zstd", csv(3), WhyUnknown::Undecodable),
    ];
    for (coding, body, why) in cases {
        for size in [1, 13, body.len()] {
            let reply = Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(size));
            reply.header(CONTENT_ENCODING, coding).stays_unknown(why);
        }
    }
}

#[test]
fn codings_that_we_do_not_decode_and_codings_in_codings_are_unknown() {
    for coding in ["compress", "dcb", "gzip, br", "gzip,gzip", "aes128gcm"] {
        let reply = Reply::of(Some(csv_shape()), "text/csv", csv(1)).header(CONTENT_ENCODING, coding);
        reply.stays_unknown(WhyUnknown::Coding);
    }
    let two_lines = Reply::of(Some(csv_shape()), "text/csv", csv(1));
    two_lines
        .header(CONTENT_ENCODING, "gzip")
        .header(CONTENT_ENCODING, "gzip")
        .stays_unknown(WhyUnknown::Coding);
    let undeclared = Reply::of(Some(csv_shape()), "text/csv", gzip(&csv(1)));
    undeclared.stays_unknown(WhyUnknown::Mismatch);
    let nested = Reply::of(Some(json_shape()), "application/json", gzip(&gzip(&json(1))));
    nested.header(CONTENT_ENCODING, "gzip").stays_unknown(WhyUnknown::Mismatch);
}

#[test]
fn a_bomb_is_put_down_early() {
    let zeros = vec![b'1'; 64 * 1024 * 1024];
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&zeros).unwrap();
    for (coding, bomb) in [("gzip", packed.finish().unwrap()), ("zstd", zstd(&zeros))] {
        let reply = Reply::of(Some(csv_shape()), "text/csv", bomb).header(CONTENT_ENCODING, coding);
        reply.stays_unknown(WhyUnknown::Undecodable);
    }
}

//! The few frames of WebSocket (RFC 6455) that a short conversation needs.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What shows that the other side has understood (RFC 6455 section 4.2.2).
pub(super) fn web_socket_proof(key: &str) -> String {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    use base64::Engine as _;
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64::engine::general_purpose::STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

/// A masked text frame (RFC 6455 section 5.2) of at most 125 bytes.
pub(super) fn text_frame(text: &str, mask: [u8; 4]) -> io::Result<Vec<u8>> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length <= 125);
    let length = length.ok_or_else(|| io::Error::other("a message of at most 125 bytes"))?;
    let mut frame = vec![0x81, 0x80 | length];
    frame.extend(mask);
    frame.extend(text.bytes().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    Ok(frame)
}

/// The next text message that is whole in one frame; other frames are passed over.
pub(super) async fn read_text(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    const TEXT: u8 = 0x81;
    const CLOSE: u8 = 0x88;
    loop {
        let [kind, short] = [socket.read_u8().await?, socket.read_u8().await?];
        let length = match short {
            0..=125 => usize::from(short),
            126 => usize::from(socket.read_u16().await?),
            _ => return Err(io::Error::other("a message that is too long or masked")),
        };
        let mut payload = vec![0; length];
        socket.read_exact(&mut payload).await?;
        match kind {
            TEXT => return String::from_utf8(payload).map_err(io::Error::other),
            CLOSE => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_that_of_rfc_6455() {
        assert_eq!(web_socket_proof("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}

//! An application that holds nothing back.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, TRAILER};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::ALL;

/// What is asked for by the last part of the path, all of it.
pub(super) async fn give(request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let mut query = request.uri().query().unwrap_or_default().to_owned();
    if matches!(path.as_str(), "/r4/Patient/_search" | "/graph" | "/connection") {
        query = String::from_utf8(to_bytes(request.into_body(), 1024).await.unwrap().to_vec()).unwrap();
    }
    let rows = || (0..ALL).map(|row| format!("MRN-{row:06}"));
    let csv = |between: char| {
        let lines = rows().map(|mrn| format!("{mrn}{between}name{between}ward\n"));
        let head = format!("MRN{between}Name{between}Ward\n");
        std::iter::once(head).chain(lines).collect::<Vec<_>>().concat().into_bytes()
    };
    let plain = csv(',');
    let (kind, body): (&'static str, Vec<u8>) = match path.rsplit('/').next().unwrap_or_default() {
        "gzip" => return coded("gzip", gzip(&plain)),
        "deflate" => return coded("deflate", zlib(&plain)),
        "br" => return coded("br", brotli(&plain)),
        "zstd" => return coded("zstd", zstd::encode_all(&plain[..], 3).unwrap()),
        "twice" => return coded("gzip, gzip", gzip(&gzip(&plain))),
        "unknown-coding" => return coded("compress", plain),
        "partial" => {
            let range = HeaderValue::from_static("bytes 0-999/99999");
            return (
                StatusCode::PARTIAL_CONTENT,
                [(CONTENT_TYPE, HeaderValue::from_static("text/csv")), (CONTENT_RANGE, range)],
                plain,
            )
                .into_response();
        }
        "error" => {
            return (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/csv")], plain).into_response();
        }
        "attachment" => {
            let head =
                [(CONTENT_TYPE, "text/csv"), (CONTENT_DISPOSITION, "attachment; filename=\"all.csv\"")];
            return (head, plain).into_response();
        }
        "tagged" => return ([(CONTENT_TYPE, "text/csv"), (ETAG, "\"v1\"")], plain).into_response(),
        "few" => ("text/csv", b"MRN\nMRN-000000\n".to_vec()),
        "pieces" => {
            let pieces: Vec<_> =
                plain.chunks(7).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece))).collect();
            let head = [(CONTENT_TYPE, "text/csv"), (TRAILER, "x-rows")];
            return (head, Body::from_stream(futures_util::stream::iter(pieces))).into_response();
        }
        "utf16" => {
            let text = String::from_utf8(plain).unwrap();
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            ("text/csv; charset=utf-16le", [0xFF, 0xFE].into_iter().chain(units).collect())
        }
        "semicolons" => ("text/csv", csv(';')),
        "tabs" => ("text/csv", csv('\t')),
        "quoted" => {
            let lines: Vec<_> = rows().map(|mrn| format!("\"{mrn}\",\"a\nb\"\n")).collect();
            ("text/csv", format!("MRN,Name\n{}", lines.concat()).into_bytes())
        }
        "unclosed" => ("text/csv", [&b"MRN,Name\n\""[..], &plain].concat()),
        "inline" => ("text/plain", plain),
        "zip" => ("application/zip", zipped(&plain)),
        "gz" => ("application/x-gzip", gzip(&plain)),
        "gz-few" => ("application/x-gzip", gzip(b"MRN\nMRN-000000\n")),
        "gz-members" => ("application/x-gzip", plain.chunks(1000).flat_map(gzip).collect()),
        "gz-twice" => ("application/x-gzip", gzip(&gzip(&plain))),
        "gz-coded" => {
            let head = [(CONTENT_TYPE, "application/x-gzip"), (CONTENT_ENCODING, "gzip")];
            return (head, gzip(&gzip(&plain))).into_response();
        }
        "zip-as-page" => ("text/html", zipped(&plain)),
        "pdf" => ("text/html", [&b"%PDF-1.7\n"[..], &plain].concat()),
        "csv" => ("application/json", plain),
        "xlsx" => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", workbook(rows())),
        "events" => {
            let events: Vec<_> = rows().map(|mrn| format!("data: {mrn}\n\n")).collect();
            ("text/event-stream", events.concat().into_bytes())
        }
        "as" if query.ends_with("=csv") => ("text/csv", plain),
        "as" | "Patient" if query.contains("=xml") => {
            let entries: Vec<_> = rows().map(|mrn| format!("<entry><id value=\"{mrn}\"/></entry>")).collect();
            ("application/fhir+xml", format!("<Bundle>{}</Bundle>", entries.concat()).into_bytes())
        }
        "text" => (
            "application/json",
            json!({ "data": String::from_utf8(plain).unwrap() }).to_string().into_bytes(),
        ),
        "base64" => ("application/json", json!({ "data": STANDARD.encode(plain) }).to_string().into_bytes()),
        "graph" => {
            let name = if query.contains("a:") { "a" } else { "rows" };
            let rows: Vec<_> = rows().map(|mrn| json!({ "mrn": mrn })).collect();
            ("application/json", json!({ "data": { name: rows } }).to_string().into_bytes())
        }
        "connection" => ("application/json", connections(&query)),
        "DocumentReference" => ("application/fhir+json", documents()),
        _ if path.starts_with("/print") => {
            let lines: Vec<_> = rows().map(|mrn| format!("<tr><td>{mrn}<td>name")).collect();
            ("text/html", format!("<table><tbody>{}</table>", lines.concat()).into_bytes())
        }
        _ if path.starts_with("/csv") => ("text/csv", plain),
        _ if path.starts_with("/patients/") => ("text/html", b"<p>a chart".to_vec()),
        _ if path.starts_with("/r4/Patient") => {
            ("application/fhir+json", bundle(day(&query), number(&query, "_count")))
        }
        _ => (
            "application/json",
            page(number(&query, "length").filter(|_| query.contains("start=") && !query.contains("saved="))),
        ),
    };
    ([(CONTENT_TYPE, kind)], body).into_response()
}

/// What a query of GraphQL asks for in connections, by its names: `a` and `b` begin with 60 each.
fn connections(query: &str) -> Vec<u8> {
    let edges = |rows: std::ops::Range<usize>| {
        let edges: Vec<_> = rows.map(|row| json!({ "node": { "mrn": format!("MRN-{row:06}") } })).collect();
        json!({ "edges": edges, "pageInfo": { "hasNextPage": true } })
    };
    let data = if query.contains("b:") {
        json!({ "a": edges(0..60), "b": edges(60..120) })
    } else if query.contains("a:") {
        json!({ "a": edges(0..60) })
    } else {
        json!({ "rows": edges(0..ALL) })
    };
    json!({ "data": data }).to_string().into_bytes()
}

/// The number of this parameter, as the application reads it: the last one counts.
fn number(query: &str, name: &str) -> Option<usize> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.filter(|(key, _)| key == name).last().and_then(|(_, value)| value.parse().ok())
}

fn page(length: Option<usize>) -> Vec<u8> {
    let rows: Vec<_> =
        (0..length.unwrap_or(ALL).min(ALL)).map(|row| json!({ "mrn": format!("MRN-{row:06}") })).collect();
    json!({ "rows": rows }).to_string().into_bytes()
}

/// Those who were changed on one day, 40 of them; all for no day.
fn day(query: &str) -> Option<usize> {
    let (_, rest) = query.split_once("_lastUpdated=ge2026-01-")?;
    rest.get(..2)?.parse().ok()
}

fn bundle(day: Option<usize>, count: Option<usize>) -> Vec<u8> {
    let entry = |row| json!({ "resource": { "resourceType": "Patient", "id": format!("MRN-{row:06}") }, "search": { "mode": "match" } });
    let rows = day.map_or(0..ALL, |day| 40 * day..40 * day + 40);
    let entries: Vec<_> = rows.take(count.unwrap_or(ALL)).map(entry).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries }).to_string().into_bytes()
}

/// A document whose file lies on another host.
fn documents() -> Vec<u8> {
    let attachment = json!({ "url": "https://files.elsewhere.example/all.csv" });
    let document =
        json!({ "resourceType": "DocumentReference", "id": "1", "content": [{ "attachment": attachment }] });
    json!({ "resourceType": "Bundle", "type": "searchset", "entry": [{ "resource": document }] })
        .to_string()
        .into_bytes()
}

/// An application that gives one row, and all others in trailers, whoever asks: what counts the body does not see them.
pub(super) async fn behind() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    head.push(byte);
                }
                let kind = if head.starts_with(b"GET /csv/") { "text/csv" } else { "text/html" };
                let rows: Vec<_> = (0..ALL).map(|row| format!("MRN-{row:06}")).collect();
                let reply = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\ntrailer: x-rows\r\n\
                     connection: close\r\n\r\nf\r\nMRN\nMRN-000000\n\r\n0\r\nx-rows: {}\r\n\r\n",
                    rows.join(" ")
                );
                stream.write_all(reply.as_bytes()).await.unwrap();
            });
        }
    });
    address
}

fn coded(coding: &'static str, body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "text/csv"), (CONTENT_ENCODING, coding)], body).into_response()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    archive(&[("all.csv", bytes)])
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in files {
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A workbook (ECMA-376) of one sheet, with what stands in it beside each cell.
fn workbook(rows: impl Iterator<Item = String>) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OF: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    const SHEETS: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let row = |(number, text): (usize, String)| {
        format!("<row r=\"{number}\"><c r=\"A{number}\" t=\"inlineStr\"><is><t>{text}</t></is></c></row>")
    };
    let rows: Vec<_> = (1..).zip(std::iter::once("MRN".to_owned()).chain(rows)).map(row).collect();
    let relationship = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"r1\" Type=\"{OF}/{kind}\" \
             Target=\"{target}\"/></Relationships>"
        )
    };
    let types = format!(
        "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Override PartName=\"/xl/workbook.xml\" \
         ContentType=\"{SHEETS}.sheet.main+xml\"/><Override PartName=\"/xl/worksheets/sheet1.xml\" \
         ContentType=\"{SHEETS}.worksheet+xml\"/></Types>"
    );
    let book = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OF}\"><sheets><sheet name=\"All\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let sheet = format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{}</sheetData></worksheet>", rows.concat());
    archive(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", relationship("officeDocument", "xl/workbook.xml").as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relationship("worksheet", "worksheets/sheet1.xml").as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

/// Brotli without compression: blocks of stored bytes (RFC 7932 section 9.2), the window's bit before the first.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for (number, block) in bytes.chunks(0x8000).enumerate() {
        let header = u32::try_from(block.len() - 1).unwrap() << 3 | 1 << 19;
        encoded.extend_from_slice(&(header << u32::from(number == 0)).to_le_bytes()[..3]);
        encoded.extend_from_slice(block);
    }
    encoded.push(3);
    encoded
}

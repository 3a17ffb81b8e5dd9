//! A bucket: objects put there, read back, listed, held and removed.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt as _;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum};
use object_store::path::Path as Key;
use object_store::{
    Error, GetOptions, GetRange, MultipartUpload, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    RetryConfig,
};
use quick_xml::Reader;
use quick_xml::events::Event;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::wire::{ALGORITHM, Locked, Wire, checksum};
use super::{BucketSettings, Keep, LockMode, ObjectsError};
use crate::foundation::text::plain;

/// A bucket. Names are below its prefix.
#[derive(Debug)]
pub struct Bucket {
    store: AmazonS3,
    wire: Wire,
    /// `https://server/bucket`.
    url: String,
    /// `s3://bucket`.
    place: String,
    prefix: String,
    lock: Option<LockMode>,
}

/// What a bucket can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examined {
    /// Whether it keeps what is written over.
    pub versioned: bool,
    /// Whether objects in it can be locked.
    pub lockable: bool,
}

impl Bucket {
    /// A bucket by its settings; nothing is asked yet.
    pub fn new(settings: &BucketSettings) -> Result<Self, ObjectsError> {
        let wire = Wire::new(settings)?;
        let retry =
            RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRIED_WITHIN, ..RetryConfig::default() };
        let store = AmazonS3Builder::new()
            .with_endpoint(settings.endpoint.clone())
            .with_region(settings.region.clone())
            .with_bucket_name(settings.bucket.clone())
            .with_virtual_hosted_style_request(false)
            .with_allow_http(true)
            .with_skip_signature(true)
            .with_checksum_algorithm(Checksum::SHA256)
            .with_retry(retry)
            .with_http_connector(wire.clone())
            .build()
            .map_err(|error| ObjectsError::Settings(shortened(&error.to_string())))?;
        Ok(Self {
            store,
            wire,
            url: format!("{}/{}", settings.endpoint.trim_end_matches('/'), settings.bucket),
            place: format!("s3://{}", settings.bucket),
            prefix: settings.prefix.clone(),
            lock: settings.lock,
        })
    }

    /// Where an object is, for people.
    pub fn place_of(&self, name: &str) -> String {
        format!("{}/{}", self.place, self.key(name))
    }

    /// Puts a file there, under lock where the settings say so, in parts where it is large. Gives its version, where the bucket
    /// has versions. An error means that it may or may not be there.
    pub async fn put(&self, name: &str, file: &Path, keep: Keep) -> Result<Option<String>, ObjectsError> {
        let unreadable = |error: std::io::Error| ObjectsError::File(error.to_string());
        let mut file = File::open(file).await.map_err(unreadable)?;
        let mut part = read_part(&mut file).await.map_err(unreadable)?;
        if part.len() < PART_BYTES {
            return self.put_bytes(name, part, keep).await;
        }
        let options = PutMultipartOptions { extensions: self.locked(keep), ..PutMultipartOptions::default() };
        let key = Key::from(self.key(name));
        let mut upload = self.store.put_multipart_opts(&key, options).await.map_err(told)?;
        let put = async {
            while !part.is_empty() {
                upload.put_part(PutPayload::from(std::mem::take(&mut part))).await.map_err(told)?;
                part = read_part(&mut file).await.map_err(unreadable)?;
            }
            upload.complete().await.map_err(told)
        };
        match put.await {
            Ok(put) => {
                self.keeps(name, put.version.as_deref(), keep).await?;
                Ok(put.version)
            }
            Err(error) => {
                // What was uploaded so far costs money until somebody says that it will not be completed.
                if let Err(left) = upload.abort().await {
                    tracing::debug!(error = %left, "an upload could not be given up in order");
                }
                Err(error)
            }
        }
    }

    /// The same of bytes, fewer than a part has.
    pub async fn put_bytes(
        &self,
        name: &str,
        bytes: Vec<u8>,
        keep: Keep,
    ) -> Result<Option<String>, ObjectsError> {
        let key = Key::from(self.key(name));
        let options = PutOptions { extensions: self.locked(keep), ..PutOptions::default() };
        let put = self.store.put_opts(&key, PutPayload::from(bytes), options).await.map_err(told)?;
        self.keeps(name, put.version.as_deref(), keep).await?;
        Ok(put.version)
    }

    /// Reads a part of an object; fewer bytes than asked for where it is shorter.
    pub async fn read(
        &self,
        name: &str,
        version: Option<&str>,
        range: Range<u64>,
    ) -> Result<Vec<u8>, ObjectsError> {
        self.get(name, version, Some(GetRange::Bounded(range))).await
    }

    /// Reads all of an object that is small: at most 16 MiB.
    pub async fn read_all(&self, name: &str, version: Option<&str>) -> Result<Vec<u8>, ObjectsError> {
        self.get(name, version, None).await
    }

    async fn get(
        &self,
        name: &str,
        version: Option<&str>,
        range: Option<GetRange>,
    ) -> Result<Vec<u8>, ObjectsError> {
        let key = Key::from(self.key(name));
        let options = GetOptions { range, version: version.map(str::to_owned), ..GetOptions::default() };
        let got = self.store.get_opts(&key, options).await.map_err(told)?;
        Ok(got.bytes().await.map_err(told)?.to_vec())
    }

    /// The newest version of an object, where the bucket has versions, and how many bytes it has; none where there is no object.
    pub async fn newest(&self, name: &str) -> Result<Option<(Option<String>, u64)>, ObjectsError> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        match self.store.get_opts(&Key::from(self.key(name)), options).await.map_err(told) {
            Ok(found) => Ok(Some((found.meta.version, found.meta.size))),
            Err(ObjectsError::Absent(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names of all objects below the prefix, in no order.
    pub async fn names(&self) -> Result<Vec<String>, ObjectsError> {
        let prefix = (!self.prefix.is_empty()).then(|| Key::from(self.prefix.as_str()));
        let mut listed = self.store.list(prefix.as_ref());
        let mut names = Vec::new();
        while let Some(object) = listed.next().await {
            let object = object.map_err(told)?;
            names.extend(object.location.filename().map(str::to_owned));
            if names.len() > NAMES_MAX {
                return Err(ObjectsError::Failed(format!("there are more than {NAMES_MAX} objects")));
            }
        }
        Ok(names)
    }

    /// Removes an object, by its version where it has one: without, a bucket with versions only hides it.
    pub async fn remove(&self, name: &str, version: Option<&str>) -> Result<(), ObjectsError> {
        let target = format!("/{}{}", self.key(name), of_version('?', version));
        let reply = self.ask(Method::DELETE, &target, None).await?;
        accepted(&reply)
    }

    /// Lays a legal hold on an object, or lifts it.
    pub async fn hold(&self, name: &str, version: Option<&str>, is_held: bool) -> Result<(), ObjectsError> {
        if self.lock.is_none() {
            return Ok(());
        }
        let status = if is_held { "ON" } else { "OFF" };
        let body = format!("<LegalHold xmlns=\"{NAMESPACE}\"><Status>{status}</Status></LegalHold>");
        let target = format!("/{}?legal-hold{}", self.key(name), of_version('&', version));
        let reply = self.ask(Method::PUT, &target, Some(body.into_bytes())).await?;
        accepted(&reply)
    }

    /// Asks what the bucket can do; an error where it cannot be reached or is not ours to use.
    pub async fn examine(&self) -> Result<Examined, ObjectsError> {
        let versioning = self.ask(Method::GET, "?versioning", None).await?;
        accepted(&versioning)?;
        let versioned = text_of(versioning.body(), "Status").as_deref() == Some("Enabled");
        let lock = self.ask(Method::GET, "?object-lock", None).await?;
        // A bucket without it answers that there is none.
        let lockable = lock.status().is_success()
            && text_of(lock.body(), "ObjectLockEnabled").as_deref() == Some("Enabled");
        Ok(Examined { versioned, lockable })
    }

    /// That an object is kept as long as it should be, by the bucket's own word. Asked with `HeadObject`, which all servers know
    /// that lock: it tells the lock to whoever may read retention and legal hold.
    pub async fn keeps(&self, name: &str, version: Option<&str>, keep: Keep) -> Result<(), ObjectsError> {
        let Some(mode) = self.lock else { return Ok(()) };
        let target = format!("/{}{}", self.key(name), of_version('?', version));
        let reply = self.ask(Method::HEAD, &target, None).await?;
        accepted(&reply)?;
        let locked = Locked { mode, keep };
        if locked.is_told(reply.headers()) {
            return Ok(());
        }
        Err(ObjectsError::Unlocked { object: self.key(name), until: keep.until })
    }

    /// A request that `object_store` does not know.
    async fn ask(
        &self,
        method: Method,
        target: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, ObjectsError> {
        let mut request = Request::builder().method(method).uri(format!("{}{target}", self.url));
        if let Some(body) = &body {
            request = request.header(CONTENT_TYPE, "application/xml");
            request = request.header(ALGORITHM, "SHA256").header("x-amz-checksum-sha256", checksum(body));
        }
        let request = request
            .body(body.unwrap_or_default())
            .map_err(|_| ObjectsError::Settings("its address cannot be asked".to_owned()))?;
        self.wire.send(request).await.map_err(|error| ObjectsError::Failed(error.to_string()))
    }

    fn locked(&self, keep: Keep) -> http::Extensions {
        let mut extensions = http::Extensions::new();
        if let Some(mode) = self.lock {
            extensions.insert(Locked { mode, keep });
        }
        extensions
    }

    fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }
}

/// A part of a file; fewer bytes only at its end.
async fn read_part(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut part = Vec::with_capacity(PART_BYTES);
    file.take(PART_BYTES as u64).read_to_end(&mut part).await?;
    Ok(part)
}

fn of_version(separator: char, version: Option<&str>) -> String {
    version.map(|version| format!("{separator}versionId={version}")).unwrap_or_default()
}

fn accepted(reply: &Response<Vec<u8>>) -> Result<(), ObjectsError> {
    if reply.status().is_success() {
        return Ok(());
    }
    let code = text_of(reply.body(), "Code");
    let code = code.map(|code| format!(" {}", shortened(&code))).unwrap_or_default();
    Err(ObjectsError::Refused { status: reply.status().as_u16(), code })
}

fn told(error: Error) -> ObjectsError {
    if let Error::NotFound { path, .. } = error {
        return ObjectsError::Absent(path);
    }
    ObjectsError::Failed(shortened(&error.to_string()))
}

/// What somebody else says, as far as a line of a log should hold it.
fn shortened(text: &str) -> String {
    plain(&text.chars().take(TOLD_CHARACTERS_MAX).collect::<String>())
}

/// The text of the first element of that name.
fn text_of(xml: &[u8], element: &str) -> Option<String> {
    let mut reader = Reader::from_reader(xml);
    let mut is_inside = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => is_inside = start.local_name().as_ref() == element,
            Event::Text(text) if is_inside => return Some(text.trim().to_owned()),
            Event::Eof => return None,
            Event::End(_)
            | Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => is_inside = false,
        }
    }
}

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// Not less than S3 allows for a part (5 MiB), and of how much stands in memory at once.
const PART_BYTES: usize = 8 * 1024 * 1024;
const NAMES_MAX: usize = 1_000_000;
const RETRIES_MAX: usize = 2;
const RETRIED_WITHIN: Duration = Duration::from_secs(30);
const TOLD_CHARACTERS_MAX: usize = 300;

//! Certificates of callers: of devices that they tell the class of, and of programs whose tokens are bound to one.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leastway::domain::event::EventKind;
use leastway::foundation::digest::Digest;
use leastway::platform::tls::client::client;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::house::{House, Neighbors, append, edit};

const CART: &str = "\n[device.cart]\ncertificate = [\"*.carts.example\"]\n";
const EHR: &str = "ehr.localhost";

/// An authority that vouches for devices.
pub(crate) struct Authority(pub(crate) CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    serial: u64,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut settings = CertificateParams::default();
        settings.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        settings.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(settings, KeyPair::generate().unwrap()).unwrap())
    }

    /// Another authority, for which this one vouches.
    fn between(&self, serial: u64) -> Self {
        let mut settings = CertificateParams::default();
        settings.distinguished_name.push(DnType::CommonName, "between");
        settings.serial_number = Some(SerialNumber::from(serial));
        settings.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        settings.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::signed_by(settings, KeyPair::generate().unwrap(), &self.0).unwrap())
    }

    pub(crate) fn vouch(
        &self,
        name: &str,
        serial: u64,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut settings = CertificateParams::new(vec![name.to_owned()]).unwrap();
        settings.serial_number = Some(SerialNumber::from(serial));
        change(&mut settings);
        let certificate = settings.signed_by(&key, &self.0).unwrap().der().clone();
        Identity {
            chain: vec![certificate],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            serial,
        }
    }

    fn list(&self, revoked: &[u64], next: i32) -> String {
        self.list_of(revoked, next, 2025)
    }

    fn list_of(&self, revoked: &[u64], next: i32, year: i32) -> String {
        let entry = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(year, 1, 1),
            next_update: date_time_ymd(next, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.0).unwrap().pem().unwrap()
    }
}

impl Identity {
    pub(crate) fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(Digest::of(&self.chain[0]).as_bytes())
    }
}

/// A house that asks for certificates, and what it is told of who may show one.
async fn open(authority: &Authority, table: &str, more: &str) -> House {
    let (pem, list) = (authority.0.pem(), authority.list(&[13], 2036));
    let table =
        format!("\n[gateway.client_certificate]\nauthorities = \"file:devices-ca.pem\"\n{table}\n{more}");
    House::furnish(Neighbors::All, move |directory| {
        std::fs::write(directory.root().join("devices-ca.pem"), pem).unwrap();
        std::fs::write(directory.root().join("devices.crl"), list).unwrap();
        append(&directory.root().join("leastway.toml"), &table);
    })
    .await
}

/// What comes of one request on a connection of its own.
pub(crate) async fn ask(house: &House, settings: &Arc<ClientConfig>, host: &str, headers: &str) -> u16 {
    let connector = TlsConnector::from(settings.clone());
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, house.ports.gateway)).await.unwrap();
    let mut stream = connector.connect(ServerName::try_from(host.to_owned()).unwrap(), stream).await.unwrap();
    let authority = format!("{host}:{}", house.ports.gateway);
    let head = format!("GET /patients/7 HTTP/1.1\r\nhost: {authority}\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply.split(' ').nth(1).unwrap().parse().unwrap()
}

pub(crate) fn settings(house: &House, identity: Option<&Identity>) -> Arc<ClientConfig> {
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let anonymous = client(Some(&authority), &[b"http/1.1"]).unwrap();
    let Some(identity) = identity else { return anonymous };
    let mut roots = rustls::RootCertStore::empty();
    for authority in in_pem(&authority) {
        roots.add(authority).unwrap();
    }
    let builder =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
    Arc::new(builder.with_client_auth_cert(identity.chain.clone(), identity.key.clone_key()).unwrap())
}

fn in_pem(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::pem_slice_iter(pem).map(Result::unwrap).collect()
}

/// The device and the thumbprint in the event of each request, in turn.
async fn told(house: House) -> Vec<(Option<String>, Option<String>)> {
    let events = house.stop().await;
    let requests = events.iter().filter(|event| event.opening.kind == EventKind::Request);
    let of = |event: &leastway::domain::event::Event| {
        let opening = &event.opening;
        let device = opening.device.as_ref().map(|class| class.as_str().to_owned());
        (device, opening.certificate.as_ref().map(ToString::to_string))
    };
    requests.map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_of_the_class_of_its_certificate_as_long_as_that_is_believed() {
    let (authority, other) = (Authority::new(), Authority::new());
    let house = open(&authority, "revoked = \"file:devices.crl\"", CART).await;
    let good = authority.vouch("cart-7.carts.example", 7, |_| {});
    let named_otherwise = authority.vouch("pc.elsewhere.example", 8, |_| {});
    let strangers = other.vouch("cart-7.carts.example", 7, |_| {});
    let over = authority.vouch("cart-9.carts.example", 9, |it| it.not_after = date_time_ymd(2025, 1, 1));
    let revoked = authority.vouch("cart-13.carts.example", 13, |_| {});
    assert_eq!(revoked.serial, 13);
    let shown = [None, Some(&good), Some(&named_otherwise), Some(&strangers), Some(&over), Some(&revoked)];
    for identity in shown {
        // Whoever shows nothing that is believed is met all the same.
        assert_eq!(ask(&house, &settings(&house, identity), EHR, "accept: application/json\r\n").await, 401);
    }
    // The same caller again, by the session of TLS that they have.
    let again = settings(&house, Some(&good));
    for _ in 0..2 {
        assert_eq!(ask(&house, &again, EHR, "accept: application/json\r\n").await, 401);
    }
    let cart = || (Some("cart".to_owned()), Some(good.thumbprint()));
    let expected = [
        (None, None),
        cart(),
        (None, Some(named_otherwise.thumbprint())),
        (None, None),
        (None, None),
        (None, None),
        cart(),
        cart(),
    ];
    assert_eq!(told(house).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_asked_for_where_that_is_declared_and_is_not_believed_by_an_old_list() {
    let authority = Authority::new();
    let house = open(&authority, "hosts = [\"EHR.localhost\"]\nrevoked = \"file:devices.crl\"", CART).await;
    let good = authority.vouch("cart-7.carts.example", 7, |_| {});
    let identity = settings(&house, Some(&good));
    let accept = "accept: application/json\r\n";
    ask(&house, &identity, "console.localhost", accept).await;
    ask(&house, &identity, EHR, accept).await;
    // A list that has been due for long; one on which it is, behind an older one on which it was not.
    let both = format!("{}{}", authority.list(&[], 2036), authority.list_of(&[7], 2036, 2026));
    for list in [authority.list(&[], 2026), both] {
        std::fs::write(house.file("devices.crl"), list).unwrap();
        assert!(matches!(house.running.reload().await, leastway::app::reload::Reloaded::Swapped(_)));
        ask(&house, &identity, EHR, accept).await;
    }
    let is_cart: Vec<bool> = told(house).await.into_iter().map(|(device, _)| device.is_some()).collect();
    assert_eq!(is_cart, [false, true, false, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_proxy_in_between_shows_is_not_its_callers() {
    let authority = Authority::new();
    let house = open(&authority, "", CART).await;
    let proxied = |path: &Path| edit(path, "trusted_proxies = []", "trusted_proxies = [\"127.0.0.1\"]");
    proxied(&house.directory.configuration());
    assert!(matches!(house.running.reload().await, leastway::app::reload::Reloaded::Swapped(_)));
    let good = authority.vouch("cart-7.carts.example", 7, |_| {});
    ask(&house, &settings(&house, Some(&good)), EHR, "x-forwarded-for: 192.0.2.7\r\n").await;
    assert_eq!(told(house).await, [(None, None)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_believed_may_end_while_a_connection_stands() {
    let authority = Authority::new();
    let house = open(&authority, "revoked = \"file:devices.crl\"", CART).await;
    let good = authority.vouch("cart-7.carts.example", 7, |_| {});
    let connector = TlsConnector::from(settings(&house, Some(&good)));
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, house.ports.gateway)).await.unwrap();
    let mut stream = connector.connect(ServerName::try_from(EHR).unwrap(), stream).await.unwrap();
    for is_revoked in [false, true] {
        if is_revoked {
            std::fs::write(house.file("devices.crl"), authority.list(&[7], 2036)).unwrap();
            assert!(matches!(house.running.reload().await, leastway::app::reload::Reloaded::Swapped(_)));
        }
        let head = format!("HEAD /patients/7 HTTP/1.1\r\nhost: {EHR}:{}\r\n\r\n", house.ports.gateway);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        while !reply.ends_with(b"\r\n\r\n") {
            reply.push(stream.read_u8().await.unwrap());
        }
    }
    drop(stream);
    let is_cart: Vec<bool> = told(house).await.into_iter().map(|(device, _)| device.is_some()).collect();
    assert_eq!(is_cart, [true, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_no_use_ends_the_handshake_and_one_between_is_judged_as_the_last() {
    let root = Authority::new();
    let between = root.between(20);
    let house = open(&root, "revoked = \"file:devices.crl\"", CART).await;
    let good = between.vouch("cart-7.carts.example", 7, |_| {});
    let with = |chain: &[&CertificateDer<'static>]| Identity {
        chain: chain.iter().map(|it| (*it).clone()).collect(),
        key: good.key.clone_key(),
        serial: 7,
    };
    let (leaf, middle) = (good.chain[0].clone(), between.0.der().clone());
    let through = with(&[&leaf, &middle]);
    let lists = |of_root: &[u64]| format!("{}{}", root.list(of_root, 2036), between.list(&[], 2036));
    // Only the root's list, both, both with the one between revoked.
    for list in [root.list(&[], 2036), lists(&[]), lists(&[20])] {
        std::fs::write(house.file("devices.crl"), list).unwrap();
        assert!(matches!(house.running.reload().await, leastway::app::reload::Reloaded::Swapped(_)));
        ask(&house, &settings(&house, Some(&through)), EHR, "").await;
    }
    let long = with(&[&leaf, &middle, &middle, &middle, &middle, &middle]);
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, house.ports.gateway)).await.unwrap();
    let connector = TlsConnector::from(settings(&house, Some(&long)));
    let met = connector.connect(ServerName::try_from(EHR).unwrap(), stream).await;
    let refused = match met {
        Ok(mut stream) => stream.read_u8().await.is_err(),
        Err(_) => true,
    };
    assert!(refused, "nobody looks through so many");
    let is_cart: Vec<bool> = told(house).await.into_iter().map(|(device, _)| device.is_some()).collect();
    assert_eq!(is_cart, [false, true, false]);
}

//! TLS to applications: who is believed, who we are, and what is said when it does not work.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::features::upstream::tls::TlsFault;
use crate::foundation::digest::Digest;

struct Authority(CertifiedIssuer<'static, KeyPair>);

struct Leaf {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    pin: Digest,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> Arc<[u8]> {
        self.0.pem().into_bytes().into()
    }

    fn leaf(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let pin = Digest::of(&rcgen::PublicKeyData::subject_public_key_info(&key));
        Leaf { certificate: certificate.der().clone(), key: key.serialize_der(), pin }
    }

    fn server(&self, name: &str) -> Leaf {
        self.leaf(name, ExtendedKeyUsagePurpose::ServerAuth)
    }
}

impl Leaf {
    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()))
    }
}

/// A server that answers each connection once, and names the certificate that it was shown.
async fn tls_server(leaf: &Leaf, clients: Option<&Authority>) -> SocketAddr {
    tls_server_speaking(leaf, clients, &[]).await
}

/// The same, by one of these protocols; to whoever asks for a WebSocket it opens one.
async fn tls_server_speaking(leaf: &Leaf, clients: Option<&Authority>, protocols: &[&str]) -> SocketAddr {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.0.der().clone()).unwrap();
            let provider = Arc::new(default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let mut config = builder.with_single_cert(vec![leaf.certificate.clone()], leaf.key()).unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn_local(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::task::spawn_local(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let (_, tls) = stream.get_ref();
                let shown = tls.peer_certificates().map_or(0, <[CertificateDer<'_>]>::len);
                let asked_for = tls.server_name().unwrap_or("nobody").to_owned();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap().to_lowercase();
                let text = if head.contains("upgrade: websocket") {
                    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
                        .to_owned()
                } else {
                    reply(&format!("{asked_for}, {shown} shown"))
                };
                stream.write_all(text.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            });
        }
    });
    address
}

async fn ask_by(address: SocketAddr, trust: Trust, name: &str) -> Result<String, UpstreamError> {
    let mut settings = settings_of(&[address]);
    settings.servers[0].tls = true;
    settings.trust = trust;
    settings.server_name = Some(name.to_owned());
    let pool = Pool::new(Arc::new(balanced(settings)));
    ask(&pool, request(Method::GET, "")).await.map(|(_, text)| String::from_utf8(text.to_vec()).unwrap())
}

/// Whether a fault is the one that is meant.
type Right = fn(&TlsFault) -> bool;

fn fault(answer: Result<String, UpstreamError>) -> TlsFault {
    match answer {
        Err(UpstreamError::Tls(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_is_believed_by_its_authority_for_its_name_and_by_its_pinned_key() {
    let run = async {
        let (ours, other) = (Authority::new(), Authority::new());
        let leaf = ours.server("ehr.internal");
        let address = tls_server(&leaf, None).await;
        let authorities = Some(ours.pem());
        let trust = |pins: &[Digest]| Trust {
            authorities: authorities.clone(),
            pins: pins.to_vec(),
            ..Trust::default()
        };
        let said = ask_by(address, trust(&[]), "ehr.internal").await.unwrap();
        assert_eq!(said, "ehr.internal, 0 shown", "the name is asked for, whatever its address");
        ask_by(address, trust(&[Digest::ZERO, leaf.pin]), "ehr.internal").await.unwrap();

        let not_pinned = fault(ask_by(address, trust(&[Digest::ZERO]), "ehr.internal").await);
        assert!(matches!(not_pinned, TlsFault::NotPinned), "{not_pinned:?}");
        let wrong_name = fault(ask_by(address, trust(&[leaf.pin]), "other.internal").await);
        assert!(matches!(&wrong_name, TlsFault::WrongName { name } if name == "other.internal"));
        let stranger = Trust { authorities: Some(other.pem()), pins: vec![leaf.pin], ..Trust::default() };
        let stranger = fault(ask_by(address, stranger, "ehr.internal").await);
        assert!(matches!(stranger, TlsFault::UnknownAuthority), "a pin alone is not enough: {stranger:?}");
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn only_where_it_is_written_so_is_a_pinned_key_enough_or_anybody_believed() {
    let run = async {
        let leaf = Authority::new().server("old-appliance");
        let address = tls_server(&leaf, None).await;
        let insecure = |pins: &[Digest]| Trust {
            pins: pins.to_vec(),
            insecure_any_certificate: true,
            ..Trust::default()
        };
        ask_by(address, insecure(&[leaf.pin]), "whatever").await.unwrap();
        ask_by(address, insecure(&[]), "whatever").await.unwrap();
        let other_key = fault(ask_by(address, insecure(&[Digest::ZERO]), "whatever").await);
        assert!(matches!(other_key, TlsFault::NotPinned), "{other_key:?}");
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn an_appliance_with_a_certificate_of_its_own_making_is_told_from_a_stranger() {
    let run = async {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["old.internal".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let pin = Digest::of(&rcgen::PublicKeyData::subject_public_key_info(&key));
        let leaf = Leaf { certificate: certificate.der().clone(), key: key.serialize_der(), pin };
        let address = tls_server(&leaf, None).await;
        let authorities = Some(certificate.pem().into_bytes().into());
        let vouched = fault(ask_by(address, Trust { authorities, ..Trust::default() }, "old.internal").await);
        assert!(matches!(vouched, TlsFault::SelfSigned), "{vouched:?}");
        let pinned = Trust { pins: vec![pin], insecure_any_certificate: true, ..Trust::default() };
        ask_by(address, pinned, "old.internal").await.unwrap();
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_server_that_asks_who_we_are_is_shown_our_certificate() {
    let run = async {
        let (ours, theirs) = (Authority::new(), Authority::new());
        let address = tls_server(&ours.server("ehr.internal"), Some(&theirs)).await;
        let with = |leaf: Option<Leaf>| {
            let identity = leaf.map(|leaf| {
                let key =
                    CertifiedKey::from_der(vec![leaf.certificate.clone()], leaf.key(), &default_provider());
                Arc::new(key.unwrap())
            });
            Trust { authorities: Some(ours.pem()), identity, ..Trust::default() }
        };
        let known = with(Some(theirs.leaf("leastway", ExtendedKeyUsagePurpose::ClientAuth)));
        assert_eq!(ask_by(address, known, "ehr.internal").await.unwrap(), "ehr.internal, 1 shown");
        // With TLS 1.3 the server says so only after our greeting is done: as an answer, or by breaking off.
        for unknown in [None, Some(ours.leaf("leastway", ExtendedKeyUsagePurpose::ClientAuth))] {
            let failed = ask_by(address, with(unknown), "ehr.internal").await.unwrap_err();
            let said = matches!(failed, UpstreamError::Tls(TlsFault::ClientCertificate));
            assert!(said || matches!(failed, UpstreamError::Aborted(_)), "{failed:?}");
        }
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_greeting_is_said_so_that_somebody_can_act_on_it() {
    // RFC 5246 section 7: alerts, and a ServerHello that chooses TLS 1.0 (RFC 2246) with an RSA suite.
    let alert = |description: u8| vec![0x15, 3, 1, 0, 2, 2, description];
    let mut hello = vec![0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    let cases: [(&str, Vec<u8>, Right, &str); 5] = [
        ("protocol_version", alert(70), |it| matches!(it, TlsFault::TooOld), "no TLS above 1.1"),
        ("TLS 1.0 chosen", hello, |it| matches!(it, TlsFault::TooOld), "no TLS above 1.1"),
        ("handshake_failure", alert(40), |it| matches!(it, TlsFault::NothingInCommon), "in common"),
        (
            "plain HTTP",
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            |it| matches!(it, TlsFault::NoTls),
            "`http`",
        ),
        (
            "certificate_required",
            alert(116),
            |it| matches!(it, TlsFault::ClientCertificate),
            "client_certificate",
        ),
    ];
    let run = async {
        for (name, answer, is_right, words) in cases {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::task::spawn_local(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut greeting = [0; 256];
                stream.read_exact(&mut greeting).await.unwrap();
                stream.write_all(&answer).await.unwrap();
                // Closed only when the other side has read it and gone.
                drop(stream.read_to_end(&mut Vec::new()).await);
            });
            let trust = Trust { insecure_any_certificate: true, ..Trust::default() };
            let fault = fault(ask_by(address, trust, "ehr.internal").await);
            assert!(is_right(&fault), "{name}: {fault:?}");
            assert!(fault.to_string().contains(words), "{name}: {fault}");
        }
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_web_socket_to_an_application_by_http2_goes_by_http1_where_the_server_agrees() {
    let run = async {
        let authority = Authority::new();
        let leaf = authority.server("ehr.internal");
        let asked = async |protocols: &[&str], tls: bool| {
            let mut settings = settings_of(&[tls_server_speaking(&leaf, None, protocols).await]);
            settings.servers[0].tls = tls;
            settings.protocol = Protocol::Http2;
            settings.trust = Trust { authorities: Some(authority.pem()), ..Trust::default() };
            settings.server_name = Some("ehr.internal".to_owned());
            settings.health.failures = 1;
            let pool = Pool::new(Arc::new(balanced(settings)));
            let mut request = request(Method::GET, "");
            request.headers_mut().insert("connection", "upgrade".parse().unwrap());
            request.headers_mut().insert("upgrade", "websocket".parse().unwrap());
            let reply =
                send(&pool, &mut request, &NOBODY, &Permit::assertion(), &Journaled::assertion()).await;
            let report = pool.upstream().report();
            let standing = &report.servers[0].1;
            assert_eq!(standing.in_flight, u32::from(reply.is_ok()), "{standing:?}");
            assert!(standing.is_in, "{standing:?}");
            reply.map(|reply| reply.status().as_u16())
        };
        assert_eq!(asked(&["h2", "http/1.1"], true).await.unwrap(), 101);
        assert_eq!(asked(&[], true).await.unwrap(), 101, "whoever does not know ALPN speaks HTTP/1.1");
        let only = asked(&["h2"], true).await.unwrap_err();
        assert!(matches!(only, UpstreamError::Tls(TlsFault::NoProtocol)), "{only:?}");
        let plain = asked(&[], false).await.unwrap_err();
        assert!(matches!(plain, UpstreamError::NoUpgrade), "{plain:?}");
    };
    LocalSet::new().run_until(run).await;
}

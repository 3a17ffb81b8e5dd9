"""What Leastway offers by TLS, seen by SSLyze: TLS 1.2 and 1.3, nothing weak, none of the known holes."""

from __future__ import annotations

import os
import pathlib

from checks import Checks
from sslyze import (
    CertificateInfoExtraArgument,
    Scanner,
    ScanCommand,
    ScanCommandsExtraArguments,
    ServerNetworkLocation,
    ServerScanRequest,
)

AUTHORITY = pathlib.Path(os.environ["DIR"]) / "tls" / "ca.pem"
OLD = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1")
WEAK = ("NULL", "EXPORT", "RC4", "3DES", "_DES_", "_CBC_", "anon", "MD5", "_RSA_WITH_")

checks = Checks()
location = ServerNetworkLocation(hostname="pacs.localhost", ip_address="127.0.0.1", port=int(os.environ["GATEWAY_PORT"]))
commands = set(ScanCommand) - {ScanCommand.HTTP_HEADERS}
arguments = ScanCommandsExtraArguments(certificate_info=CertificateInfoExtraArgument(custom_ca_file=AUTHORITY))
scanner = Scanner()
scanner.queue_scans([ServerScanRequest(server_location=location, scan_commands=commands, scan_commands_extra_arguments=arguments)])
found = next(iter(scanner.get_results())).scan_result
checks.check("SSLyze reaches it", found is not None)


def result(name: str):
    attempt = getattr(found, name)
    return attempt.result


for version in OLD:
    accepted = result(f"{version}_cipher_suites").accepted_cipher_suites
    checks.check(f"{version} is not spoken", not accepted, accepted)
suites = []
for version in ("tls_1_2", "tls_1_3"):
    names = [suite.cipher_suite.name for suite in result(f"{version}_cipher_suites").accepted_cipher_suites]
    checks.check(f"{version} is spoken", names)
    suites += names
weak = [name for name in suites if any(mark in name for mark in WEAK)]
checks.check(f"{len(suites)} cipher suites, all with forward secrecy and authenticated encryption", not weak, weak)
checks.check("no Heartbleed (CVE-2014-0160)", not result("heartbleed").is_vulnerable_to_heartbleed)
checks.check("no CCS injection (CVE-2014-0224)", not result("openssl_ccs_injection").is_vulnerable_to_ccs_injection)
checks.check("no ROBOT", "NOT_VULNERABLE" in result("robot").robot_result.name, result("robot").robot_result)
checks.check("no compression (CRIME)", not result("tls_compression").supports_compression)
renegotiation = result("session_renegotiation")
checks.check("no renegotiation by the client", not renegotiation.is_vulnerable_to_client_renegotiation_dos)
checks.check("secure renegotiation (RFC 5746)", renegotiation.supports_secure_renegotiation)
checks.check("no early data that could be replayed", not result("tls_1_3_early_data").supports_early_data)
checks.check("the extended master secret (RFC 7627)", result("tls_extended_master_secret").supports_ems_extension)
curves = [curve.name for curve in result("elliptic_curves").supported_curves or []]
checks.check("curves of 128 bits and more only", curves and all(curve in ("X25519", "X448", "secp256r1", "secp384r1", "secp521r1") for curve in curves), curves)
deployment = result("certificate_info").certificate_deployments[0]
trusted = any(path.was_validation_successful for path in deployment.path_validation_results if path.trust_store.path == AUTHORITY)
checks.check("the chain leads to its authority, for this name", trusted)
print(f"         {', '.join(sorted(suites))}; {', '.join(sorted(curves))}")
checks.end()

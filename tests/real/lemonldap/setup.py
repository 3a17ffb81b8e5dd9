"""Writes the configuration of a LemonLDAP::NG: its demonstration people, and Leastway as an OpenID client.

usage: setup.py FOLDER PORT CLIENT_ORIGIN CLIENT_SECRET
"""

import json
import pathlib
import subprocess
import sys

folder, port, origin, secret = pathlib.Path(sys.argv[1]), *sys.argv[2:5]
host = "id.partner.localhost"
issuer = f"https://{host}:{port}"
folders = {name: folder / name for name in ("conf", "sessions", "psessions", "cache", "notifications")}
for path in folders.values():
    path.mkdir(parents=True, exist_ok=True)
for name in ("sessions", "psessions"):
    (folders[name] / "lock").mkdir(exist_ok=True)


def openssl(*words, given=None):
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True, text=True).stdout


private = openssl("genrsa", "2048")
public = openssl("rsa", "-pubout", given=private)


def storage(name):
    return {
        "Directory": str(folders[name]),
        "LockDirectory": str(folders[name] / "lock"),
        "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256",
    }


local = {"cache_root": str(folders["cache"]), "cache_depth": 3, "default_expires_in": 600}
configuration = {
    "cfgNum": 1,
    "cfgDate": 1,
    "cfgAuthor": "the real runs of Leastway",
    "cfgVersion": "2.16.1",
    "portal": issuer,
    "domain": "partner.localhost",
    "cookieName": "lemonldap",
    "securedCookie": 1,
    "httpOnly": 1,
    "authentication": "Demo",
    "userDB": "Same",
    "passwordDB": "Demo",
    "registerDB": "Null",
    "demoExportedVars": {"uid": "uid", "cn": "cn", "mail": "mail"},
    "exportedVars": {},
    "groups": {},
    "macros": {"_whatToTrace": "lc($_user)"},
    "whatToTrace": "_whatToTrace",
    "globalStorage": "Apache::Session::File",
    "globalStorageOptions": storage("sessions"),
    "persistentStorage": "Apache::Session::File",
    "persistentStorageOptions": storage("psessions"),
    "localSessionStorage": "Cache::FileCache",
    "localSessionStorageOptions": {**local, "namespace": "sessions"},
    "notification": 0,
    "loginHistoryEnabled": 0,
    "portalDisplayRegister": 0,
    "portalDisplayResetPassword": 0,
    "portalCheckLogins": 0,
    "portalSkin": "bootstrap",
    "timeout": 72000,
    # The Doctor has a second factor, whose code another program checks; the others have none.
    "ext2fActivation": '$uid eq "dwho"',
    "ext2fCodeActivation": "",
    "ext2FSendCommand": "/bin/true",
    "ext2FValidateCommand": "/usr/bin/test $code = 424242",
    "ext2fAuthnLevel": 5,
    "issuerDBOpenIDConnectActivation": 1,
    "issuerDBOpenIDConnectPath": "^/oauth2/",
    "issuerDBOpenIDConnectRule": 1,
    "oidcServiceMetaDataIssuer": issuer,
    "oidcServicePrivateKeySig": private,
    "oidcServicePublicKeySig": public,
    "oidcServiceKeyIdSig": "key-1",
    "oidcServiceAllowAuthorizationCodeFlow": 1,
    "oidcServiceIgnoreScopeForClaims": 1,
    "oidcRPMetaDataExportedVars": {
        "pacs": {"name": "cn;string;auto", "email": "mail;string;auto", "groups": "groups;string;always"}
    },
    "oidcRPMetaDataOptionsExtraClaims": {"pacs": {}},
    "oidcRPMetaDataOptions": {
        "pacs": {
            "oidcRPMetaDataOptionsClientID": "leastway",
            "oidcRPMetaDataOptionsClientSecret": secret,
            "oidcRPMetaDataOptionsRedirectUris": f"{origin}/.leastway/callback/partner",
            "oidcRPMetaDataOptionsPostLogoutRedirectUris": f"{origin}/.leastway/signed-out",
            "oidcRPMetaDataOptionsLogoutBypassConfirm": 1,
            "oidcRPMetaDataOptionsBypassConsent": 1,
            "oidcRPMetaDataOptionsRequirePKCE": 1,
            "oidcRPMetaDataOptionsUserIDAttr": "uid",
            "oidcRPMetaDataOptionsIDTokenSignAlg": "RS256",
            "oidcRPMetaDataOptionsIDTokenForceClaims": 1,
            "oidcRPMetaDataOptionsIDTokenExpiration": 300,
            "oidcRPMetaDataOptionsAccessTokenExpiration": 300,
        }
    },
    "locationRules": {host: {"default": "accept"}},
    "exportedHeaders": {},
}
(folders["conf"] / "lmConf-1.json").write_text(json.dumps(configuration, indent=1))
(folder / "lemonldap-ng.ini").write_text(
    f"""[all]
logger = Lemonldap::NG::Common::Logger::Std
logLevel = notice
checkTime = 3600
[configuration]
type = File
dirName = {folders["conf"]}
localStorage = Cache::FileCache
localStorageOptions = {{'namespace' => 'conf', 'default_expires_in' => 600, 'cache_root' => '{folders["cache"]}', 'cache_depth' => 3}}
[portal]
staticPrefix = /static
templateDir = /usr/share/lemonldap-ng/portal/templates
languages = en
[handler]
status = 0
"""
)

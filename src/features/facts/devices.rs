//! Devices as a feed names them: by what proves which one it is, or at least shows it.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

use super::settings::DeviceBy;
use crate::domain::device::DeviceState;
use crate::platform::tls::front::CallerCertificate;

/// What is seen of a caller's device.
#[derive(Clone, Copy, Debug)]
pub struct DeviceSeen<'s> {
    /// The address that it has.
    pub address: IpAddr,
    /// The certificate that it has shown, and that holds.
    pub certificate: Option<&'s CallerCertificate>,
    /// What a trusted proxy says of it; empty where none does.
    pub said: &'s HeaderMap,
}

/// A device, as a row names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    /// A text: of a certificate, or of a header.
    Text(Box<str>),
    /// A network, in the smallest of which it is.
    Network(IpNet),
}

impl Name {
    /// What a cell names; none where it is no address or network, and has to be one.
    pub(super) fn read(text: &str, by: &DeviceBy) -> Option<Self> {
        match by {
            DeviceBy::Certificate => Some(Self::Text(text.to_ascii_lowercase().into())),
            DeviceBy::Thumbprint | DeviceBy::Header(_) => Some(Self::Text(text.into())),
            DeviceBy::Address => match text.parse::<IpAddr>() {
                Ok(address) => Some(Self::Network(address.to_canonical().into())),
                Err(_) => {
                    text.parse().ok().filter(|network: &IpNet| network.trunc() == *network).map(Self::Network)
                }
            },
        }
    }
}

/// The devices of a feed. Prints none of them.
#[derive(Default)]
pub(super) struct Devices {
    all: HashMap<Name, DeviceState>,
    /// How long the prefixes of its networks are, so that the smallest is found first.
    prefixes: BTreeSet<u8>,
}

impl Devices {
    /// What its rows have said of a device so far.
    pub(super) fn entry(&mut self, name: Name) -> std::collections::hash_map::Entry<'_, Name, DeviceState> {
        if let Name::Network(network) = name {
            self.prefixes.insert(network.prefix_len());
        }
        self.all.entry(name)
    }

    /// What is said of a device that is seen. A certificate for several names is withdrawn with any of them.
    pub(super) fn of(&self, seen: DeviceSeen<'_>, by: &DeviceBy) -> Option<&DeviceState> {
        match by {
            DeviceBy::Certificate => {
                let shown = seen.certificate?;
                let known = || shown.hosts.iter().chain(&shown.uris).filter_map(|name| self.named(name));
                known().find(|state| **state == DeviceState::Withdrawn).or_else(|| known().next())
            }
            DeviceBy::Thumbprint => self.named(&seen.certificate?.thumbprint),
            DeviceBy::Address => self.at(seen.address.to_canonical()),
            DeviceBy::Header(header) => self.named(seen.said.get(header)?.to_str().ok()?),
        }
    }

    /// What is said of a device by what it would be named by.
    pub(super) fn called(&self, name: &str, by: &DeviceBy) -> Option<&DeviceState> {
        match Name::read(name, by)? {
            Name::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                self.at(network.addr())
            }
            name @ (Name::Network(_) | Name::Text(_)) => self.all.get(&name),
        }
    }

    fn named(&self, name: &str) -> Option<&DeviceState> {
        self.all.get(&Name::Text(name.into()))
    }

    fn at(&self, address: IpAddr) -> Option<&DeviceState> {
        let around = self.prefixes.iter().rev().filter_map(|prefix| IpNet::new(address, *prefix).ok());
        around.map(|network| Name::Network(network.trunc())).find_map(|name| self.all.get(&name))
    }

    pub(super) fn shrink(&mut self) {
        self.all.shrink_to_fit();
    }
}

//! A small clinic to try it on: an EHR, a console, an OpenID provider; loopback only.

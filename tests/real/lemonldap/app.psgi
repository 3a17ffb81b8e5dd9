# The portal of LemonLDAP::NG, with its files beside it.
use strict;
use warnings;
use Lemonldap::NG::Portal::Main;
use Plack::Builder;

builder {
    enable 'Static', path => qr{^/static/}, root => '/usr/share/lemonldap-ng/portal/htdocs';
    Lemonldap::NG::Portal::Main->run( {} );
};

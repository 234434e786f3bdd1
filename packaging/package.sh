#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package: the Debian package out of a release build. usage: package.sh BUILD OUT
set -euo pipefail
build=$1 out=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
root=$tree/root
chmod 755 "$tree"

DESTDIR=$root cmake --install "$build" --prefix /usr --component binary >/dev/null
DESTDIR=$root cmake --install "$build" --prefix /usr --component service >/dev/null
strip --strip-unneeded "$root/usr/bin/stile"
find "$root/usr/share/man" -type f -exec gzip -9n {} +
install -D -m 640 "$here/stile.yaml" "$root/etc/stile/stile.yaml"
install -D -m 644 "$here/logrotate" "$root/etc/logrotate.d/stile"
version=$("$root/usr/bin/stile" version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)
doc=$root/usr/share/doc/stile
install -d "$doc"
printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: the authors of Stile\nLicense: Apache-2.0\n On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n' >"$doc/copyright"
printf 'stile (%s) unstable; urgency=medium\n\n  * See the history of the repository.\n\n -- Stile <stile@localhost>  %s\n' "$version" "$(date -uR -d "@${SOURCE_DATE_EPOCH:-0}")" |
    gzip -9n >"$doc/changelog.gz"

# What it is linked to, as dpkg-shlibdeps reads it.
mkdir -p "$tree/debian"
printf 'Source: stile\n\nPackage: stile\nArchitecture: any\n' >"$tree/debian/control"
depends=$(cd "$tree" && dpkg-shlibdeps -O "$root/usr/bin/stile" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
mkdir -p "$root/DEBIAN"
install -m 755 "$here"/debian/{postinst,prerm,postrm} "$root/DEBIAN/"
printf '/etc/stile/stile.yaml\n/etc/logrotate.d/stile\n' >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/control" <<CONTROL
Package: stile
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: Stile <stile@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $depends, systemd
Section: httpd
Priority: optional
Description: reverse proxy that takes clients over schema versions
 Stile stands in front of an API tier, finds out which schema version each
 client speaks, chooses a backend pool (stable or canary) and rewrites payloads
 between the client's version and the pool's.
CONTROL
(cd "$root" && find usr etc -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
chmod 644 "$root/DEBIAN/"{control,conffiles,md5sums}
mkdir -p "$out"
dpkg-deb --root-owner-group --build "$root" "$out" >/dev/null
echo "$out/stile_${version}_$(dpkg --print-architecture).deb"

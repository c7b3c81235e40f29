#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# dpkg-deb builds a package from a tree of the base and unpacks it: owners, set-id bits, links and times are those of
# the disk.

. "$TEST_LIB/programs.sh"

prepare() {
	mkdir -p package/DEBIAN package/usr/bin package/usr/share/sample
	cat >package/DEBIAN/control <<'END'
Package: sample
Version: 1.0
Architecture: all
Maintainer: Test Person <test@example.org>
Description: a package with one of everything
END
	printf '#!/bin/sh\nexit 0\n' >package/DEBIAN/postinst
	chmod 755 package/DEBIAN/postinst
	printf '#!/bin/sh\necho ran\n' >package/usr/bin/sample
	chmod 4755 package/usr/bin/sample
	ln -s sample package/usr/bin/alias
	ln package/usr/bin/sample package/usr/bin/hard
	head -c 300000 /dev/zero | tr '\0' 'x' >package/usr/share/sample/big
	for number in $(seq 100); do
		echo "$number" >"package/usr/share/sample/$number"
	done
	find package -exec touch -h -d '2020-01-02 03:04:05' {} +
}

work() {
	SOURCE_DATE_EPOCH=1577934245 dpkg-deb -Znone --build package sample.deb
	dpkg-deb --info sample.deb | grep -v ' bytes'
	dpkg-deb --contents sample.deb
	dpkg-deb --extract sample.deb extracted
	dpkg-deb --raw-extract sample.deb raw
	dpkg-deb --extract sample.deb raw # over what is there
	extracted/usr/bin/alias
	touch -d @0 sample.deb
}

run_on_both --times

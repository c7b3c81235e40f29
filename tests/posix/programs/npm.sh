#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# npm install with a lock file, and npm ci, of packages that are files of the base: no network. The tree of modules is
# that of the disk.

. "$TEST_LIB/programs.sh"
require_program npm

quiet_npm() {
	npm --offline --no-audit --no-fund --no-update-notifier --loglevel=error --cache "$HOME/npm-cache" "$@" |
		sed 's/ in [0-9.]*m\{0,1\}s$//' # how long it took
}

make_package() {
	mkdir -p "packages/$1/lib"
	echo "{\"name\": \"$1\", \"version\": \"1.0.0\", \"main\": \"lib/index.js\", \"bin\": {\"run-$1\": \"run.js\"}, \"dependencies\": {$2}}" \
		>"packages/$1/package.json"
	printf '#!/usr/bin/env node\nconsole.log(require("./lib/index.js"))\n' >"packages/$1/run.js"
	chmod 755 "packages/$1/run.js"
	echo "module.exports = '$1'" >"packages/$1/lib/index.js"
	local number
	for number in $(seq 100); do
		echo "exports.number = $number" >"packages/$1/lib/$number.js"
	done
	(cd packages && quiet_npm pack "./$1" >/dev/null)
}

prepare() {
	make_package inner ''
	make_package outer ''
	mkdir project
	cat >project/package.json <<'END'
{"name": "project", "version": "1.0.0", "scripts": {"test": "run-inner && run-outer"},
 "dependencies": {"inner": "file:../packages/inner-1.0.0.tgz", "outer": "file:../packages/outer-1.0.0.tgz"}}
END
}

work() {
	check cd project
	quiet_npm install
	quiet_npm ls --all | tail -n +2
	quiet_npm test
	sha256sum package-lock.json
	quiet_npm ci
	quiet_npm test
	quiet_npm uninstall inner
	quiet_npm install ../packages/inner-1.0.0.tgz
	quiet_npm rebuild
	quiet_npm dedupe
	quiet_npm ls --all | tail -n +2
	rm -f node_modules/.package-lock.json # may name the order in which things were done
}

run_on_both

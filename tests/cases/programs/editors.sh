#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The ways in which editors save a file of the base: beside and renamed over, moved away as a backup and written anew,
# linked as a backup and written in place, and by sed and patch. A reader that has the file open keeps the old one or
# sees the new one, as on the disk.

. "$TEST_LIB/programs.sh"

prepare() {
	for way in replaced moved linked sed patched; do
		printf 'one\ntwo\nthree\n' >$way
		chmod 640 $way
		chown 12:34 $way
	done
	printf -- '--- patched\n+++ patched\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n' >change.patch
}

work() {
	python3 - <<'END'
import os, shutil
def save(path, text):
    with open(path, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
def sync_directory():
    directory = os.open(".", os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
open_files = {name: open(name) for name in ("replaced", "moved", "linked")}

# vim with backupcopy=no, gedit, most others: beside, with the old one's mode and owner, renamed over it.
old = os.stat("replaced")
save(".replaced.tmp", "new\n")
os.chown(".replaced.tmp", old.st_uid, old.st_gid)
os.chmod(".replaced.tmp", old.st_mode & 0o7777)
os.rename(".replaced.tmp", "replaced")
sync_directory()

# emacs: the old one becomes the backup, the new one is made.
os.rename("moved", "moved~")
save("moved", "new\n")
shutil.copymode("moved~", "moved")

# emacs with backup-by-copying-when-linked: a second name, and the file is written in place.
os.link("linked", "linked~link")
shutil.copy2("linked", "linked~")
save("linked", "new\n")
print("linked", os.stat("linked").st_nlink, open("linked~link").read())

for name, stream in open_files.items():
    print(name, repr(stream.read()), os.fstat(stream.fileno()).st_nlink)
END
	sed -i.bak 's/two/2/' sed
	cat sed sed.bak
	stat -c '%n %a %u:%g' sed sed.bak replaced moved linked
	git apply change.patch
	cat patched
}

run_on_both

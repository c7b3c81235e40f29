#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Help, manual and completion say the same as the program's table of commands:
# help is at most 80 columns wide and on stdout, every command and option has its place in the manual and no
# section or option of the manual is of a command that does not exist, and completion offers all of them.
#
#     check_help.sh PROGRAM

set -u
program=${1:?usage: check_help.sh PROGRAM}
source_root=$(cd "$(dirname "$0")/../.." && pwd)
manual=$source_root/cli/man/heddle.1.scd
problems=0

problem() {
	printf '%s\n' "$*"
	problems=$((problems + 1))
}

check_width() {
	local wide
	wide=$("$program" "$@" 2>/dev/null | awk 'length > 80 { print NR ": " $0 }')
	[ -z "$wide" ] || problem "'heddle $*' is wider than 80 columns: $wide"
	[ -n "$("$program" "$@" 2>/dev/null)" ] || problem "'heddle $*' prints nothing to stdout"
	[ -z "$("$program" "$@" 2>&1 >/dev/null)" ] || problem "'heddle $*' prints to stderr"
	"$program" "$@" >/dev/null 2>&1 || problem "'heddle $*' fails"
}

# The manual's text from the heading "## heddle NAME ..." or "# OPTIONS" to the next heading.
section_of() {
	awk -v heading="$1" '/^#/ { inside = ($0 == heading || index($0, heading " ") == 1) } inside' "$manual"
}

# As scdoc writes them: *--name*, *-n*; "\-" stands for a dash in some places.
check_options() {
	local heading=$1 text option
	text=$(section_of "$heading")
	[ -n "$text" ] || problem "the manual has no section '$heading'"
	while read -r option; do
		grep -qF -e "*${option%=}*" <<<"$text" || problem "the manual's '$heading' lacks ${option%=}"
	done
	while read -r option; do
		grep -qxF -e "$option" -e "$option=" <<<"$known" || problem "the manual's '$heading' has $option, which does not exist"
	done < <(grep -oE '^\*-[^*]*\*(, \*-[^*]*\*)*' <<<"$text" | grep -oE -e '-[-A-Za-z]+')
}

# What completion offers after the given words.
complete_words() {
	(
		PATH=$(dirname "$program"):$PATH
		# shellcheck source=/dev/null
		. "$source_root/cli/completion/heddle.bash"
		COMP_WORDS=(heddle "$@")
		COMP_CWORD=$#
		_heddle
		printf '%s\n' "${COMPREPLY[@]}"
	)
}

check_width --help
check_width help
common=$("$program" --list-options)
known=$common
check_options '# OPTIONS' <<<"$common"
commands=$("$program" --list-commands)
[ "$(complete_words '')" = "$commands" ] || problem "completion does not offer the commands"
for command in $commands; do
	check_width "$command" --help
	check_width help "$command"
	known=$("$program" --list-options "$command")
	own=$(grep -vxF -e "$common" <<<"$known")
	if [ -n "$own" ]; then
		check_options "## heddle $command" <<<"$own"
	else
		grep -qE "^## heddle $command( |\$)" "$manual" || problem "the manual has no section for $command"
	fi
	[ "$(complete_words "$command" -)" = "${known//=/}" ] || problem "completion does not offer the options of $command"
done
while read -r section; do
	grep -qxF -e "$section" <<<"$commands" || problem "the manual describes '$section', which is no command"
done < <(sed -nE 's/^## heddle ([a-z]+).*/\1/p' "$manual")

# "  name=values" lines below the heading in the help of mount are "*name*" lines of the manual.
mount_options=$("$program" mount --help | sed -n '/^Mount options/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p')
[ -n "$mount_options" ] || problem "'heddle mount --help' lists no mount options"
manual_options=$(section_of '# MOUNT OPTIONS' | sed -nE 's/^\*([a-z-]+)\*(=.*)?$/\1/p')
[ "$mount_options" = "$manual_options" ] || problem "the manual's mount options are not those of the program"

echo "help: $problems problems"
[ "$problems" -eq 0 ]

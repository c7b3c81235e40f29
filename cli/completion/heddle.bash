# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of heddle for bash. Commands and options come from the program itself, so that they cannot be out of date.

# The command on the line, past the options before it and their values.
_heddle_command() {
	local i options=$1
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-*)
			# "--store" "PATH", but "--store=PATH" is three words with "=" among them.
			if [[ ${COMP_WORDS[i + 1]} == = ]]; then
				((i += 2))
			elif grep -qxF -e "${COMP_WORDS[i]}=" <<<"$options" || [[ ${COMP_WORDS[i]} == -C ]]; then
				((i++))
			fi
			;;
		*)
			printf '%s\n' "${COMP_WORDS[i]}"
			return
			;;
		esac
	done
}

_heddle() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local program=${COMP_WORDS[0]} command options words=
	COMPREPLY=()

	options=$("$program" --list-options 2>/dev/null) || return
	command=$(_heddle_command "$options")
	if [[ -n $command ]]; then
		options=$("$program" --list-options "$command" 2>/dev/null) || return
	fi

	case $previous in
	--color) words='auto always never' ;;
	--compress) words='none gzip zstd' ;;
	--open) words='untracked tracked' ;;
	--capture) words='always success never' ;;
	--thread | -t) words=$("$program" --list-threads 2>/dev/null) ;;
	--store | --base | --directory | -C | --repo | --file | -F | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		compopt -o filenames 2>/dev/null
		return
		;;
	esac
	if [[ -z $words ]]; then
		case $current in
		-*) words=${options//=/} ;;
		*)
			case $command in
			run)
				mapfile -t COMPREPLY < <(compgen -c -- "$current")
				return
				;;
			'') words=$("$program" --list-commands) ;;
			help) words=$("$program" --list-commands) ;;
			thread) words="list create fork rename drop repair $("$program" --list-threads 2>/dev/null)" ;;
			tag) words='list create delete' ;;
			daemon) words="upgrade $("$program" --list-threads 2>/dev/null)" ;;
			op) words="log $("$program" --list-threads 2>/dev/null)" ;;
			import) words="dir git tar" ;;
			export) words="git tar oci-layer $("$program" --list-threads 2>/dev/null)" ;;
			mount | unmount | status | sync | capture | log | diff | restore | land | rebase) words=$("$program" --list-threads 2>/dev/null) ;;
			esac
			;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
	if [[ ${#COMPREPLY[@]} -eq 0 && $command =~ ^(init|mount|unmount)$ ]]; then
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		compopt -o filenames 2>/dev/null
	fi
}

complete -F _heddle heddle

# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

# ---- the command line ----

namespace='' scope='' output='' wait='' timeout=1m node='' all_failed='' on_object='' daemon_namespace=podresctrl-system
# What a command found out, for the texts that another part prints.
on_node='' on_pod=''

# "90", "90s", "5m" or "1h" to seconds.
parse_timeout() {
	number=${1%[smh]}
	case $number in
	'' | *[!0-9]* | ??????*) usage_error "--timeout: '$1' is no time such as 90s, 5m or 1h" ;;
	esac
	# No leading zeros: they would make it octal.
	number=$(printf '%s' "$number" | sed 's/^0*\(.\)/\1/')
	case $1 in
	*m) seconds=$((number * 60)) ;;
	*h) seconds=$((number * 3600)) ;;
	*) seconds=$number ;;
	esac
}

# set_option NAME VALUE: those of our own; everything else is kubectl's.
set_option() {
	case $1 in
	--namespace)
		must_be_name namespace "$2"
		namespace=$2
		pass_flag "$1=$2"
		;;
	--output)
		case $2 in
		json | yaml | wide) output=$2 ;;
		*) usage_error "--output: '$2' is none of json, yaml, wide" ;;
		esac
		;;
	--timeout) timeout=$2 ;;
	--request-timeout)
		has_request_timeout=1
		pass_flag "$1=$2"
		;;
	--node) node=$2 ;;
	--daemon-namespace)
		must_be_name namespace "$2"
		daemon_namespace=$2
		;;
	*) pass_flag "$1=$2" ;;
	esac
}

# Does the option take a value? Ours, then kubectl's.
takes_value() {
	case $1 in
	--namespace | --output | --timeout | --node | --daemon-namespace) ;;
	--context | --cluster | --user | --kubeconfig | --server | --request-timeout | --token | --as | --as-group | \
		--as-uid | --certificate-authority | --client-certificate | --client-key | --tls-server-name | \
		--cache-dir | --username | --password | --kuberc | --v | --vmodule) ;;
	*) return 1 ;;
	esac
}

# set_switch --NAME or --NAME=true: with the words for true and false that kubectl has.
set_switch() {
	on=1
	case $1 in
	--insecure-skip-tls-verify* | --match-server-version* | --disable-compression* | --warnings-as-errors*)
		pass_flag "$1"
		return
		;;
	*=true | *=True | *=TRUE | *=t | *=T | *=1) ;;
	*=false | *=False | *=FALSE | *=f | *=F | *=0) on='' ;;
	*=*) on=unknown ;;
	esac
	case ${1%%=*} in
	--all-namespaces | --wait | --all-failed | --on-object | --help) ;;
	*) usage_error "$1: no such option" ;;
	esac
	[ "$on" != unknown ] || usage_error "${1%%=*}: '${1#*=}' is neither true nor false"
	case ${1%%=*} in
	--all-namespaces) scope=${on:+-A} ;;
	--wait) wait=$on ;;
	--all-failed) all_failed=$on ;;
	--on-object) on_object=$on ;;
	--help) command=${on:+help} ;;
	esac
}

main() {
	command=''
	if [ "${1:-}" = __complete ]; then
		shift
		cmd_complete "$@"
		return
	fi
	# Each argument is taken from the front; what is no option goes to the back.
	left=$#
	while [ "$left" -gt 0 ]; do
		argument=$1
		shift
		left=$((left - 1))
		case $argument in
		-n | -o | -s | -v | -h | -A | -[nosvhA]=*) ;;
		-[nosv]*) argument=${argument%"${argument#??}"}=${argument#??} ;;
		esac
		case $argument in
		-n*) argument=--namespace${argument#-n} ;;
		-o*) argument=--output${argument#-o} ;;
		-s*) argument=--server${argument#-s} ;;
		-v*) argument=--v${argument#-v} ;;
		-h | -h=*) argument=--help${argument#-h} ;;
		-A | -A=*) argument=--all-namespaces${argument#-A} ;;
		esac
		case $argument in
		--)
			while [ "$left" -gt 0 ]; do
				set -- "$@" "$1"
				shift
				left=$((left - 1))
			done
			;;
		--*=*)
			if takes_value "${argument%%=*}"; then
				set_option "${argument%%=*}" "${argument#*=}"
			else
				set_switch "$argument"
			fi
			;;
		--*)
			if ! takes_value "$argument"; then
				set_switch "$argument"
			elif [ "$left" = 0 ]; then
				usage_error "$argument: needs a value"
			else
				set_option "$argument" "$1"
				shift
				left=$((left - 1))
			fi
			;;
		-?*) usage_error "$argument: no such option" ;;
		*) set -- "$@" "$argument" ;;
		esac
	done
	[ "$command" != help ] || set -- help
	if [ $# = 0 ]; then
		cmd_help >&2
		return 2
	fi
	parse_timeout "$timeout"
	command=$1
	shift
	case $command in
	help) cmd_help ;;
	version) printf '%s\n' "kubectl-podresctrl $version" ;;
	status) cmd_status "$@" ;;
	retry) cmd_retry "$@" ;;
	explain) cmd_explain "$@" ;;
	doctor) cmd_doctor "$@" ;;
	completion) cmd_completion ;;
	*) usage_error "'$command' is no command" ;;
	esac
}

main "$@"

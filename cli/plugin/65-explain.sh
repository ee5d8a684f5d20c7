# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

# ---- explain ----

cmd_explain() {
	if [ $# = 0 ]; then
		vocabulary | awk "$awk_library"'
		/^@/ { name = substr($1, 2) }
		/^=/ { cell(++rows, 1, name); cell(rows, 2, substr($0, 2)) }
		END { cell(0, 1, ""); for (r = 1; r <= rows; r++) print pad(cells[r, 1], width[1]) "  " cells[r, 2] }'
		return
	fi
	[ $# = 1 ] || usage_error "explain takes one reason, or none for the list"
	want=$(vocabulary_field "$1" 1)
	if [ -z "$want" ]; then
		complain "'$1' is no reason this version knows; 'kubectl podresctrl explain' lists them"
		return 1
	fi
	export want
	brief=$(vocabulary | awk '/^@/ { on = substr($1, 2) == ENVIRON["want"] } on && /^=/ { print substr($0, 2) }')
	printf '%s\n\n' "$bold$want$plain: $brief"
	describe
}

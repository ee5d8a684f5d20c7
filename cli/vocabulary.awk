# SPDX-License-Identifier: Apache-2.0
# The table of words.c, from the vocabulary of the kubectl plugin. Called by the Makefile.
function quoted(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
function end_entry() {
	if (name == "") return
	if (brief == "" || nr == 0) { print "the vocabulary says too little about " name | "cat 1>&2"; exit 1 }
	entries = entries sprintf("\t{\"%s\", \"%s\", \"%s\", %s, %s_lines},\n", name, kind, next_step, quoted(brief), name)
	print "static const char *const " name "_lines[] = {" lines "NULL};"
	brief = lines = ""; nr = 0
}
/^@/ { end_entry(); name = substr($1, 2); kind = $2; next_step = $3 }
/^=/ { brief = substr($0, 2) }
/^[>?!]/ { lines = lines quoted($0) ", "; nr++ }
/^EOF$/ { end_entry(); name = "" }
END { printf "static const struct word words[] = {\n%s};\n", entries }

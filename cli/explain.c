/* SPDX-License-Identifier: Apache-2.0 */

/* podresctrl explain and completion, which need no daemon. */

#include "commands.h"
#include "words.h"

#include <errno.h>
#include <string.h>

#define NAME_WIDTH 24

enum exit_status command_explain(struct command_context *c, struct err *e)
{
	struct screen *s = &c->screen;
	const struct word *w;

	if (!c->args->operand) {
		for (size_t i = 0; (w = word_at(i)); i++)
			screen_add(s, "%-*s %s\n", NAME_WIDTH, w->name, w->brief);
		return EXIT_OK;
	}
	w = word_find(c->args->operand);
	if (!w) {
		(void)err_set(
			e, -EREMOTEIO,
			"'%.100s' is no reason this version knows; 'podresctrl explain' lists them",
			c->args->operand);
		return EXIT_FAILED;
	}
	screen_hue(s, HUE_BOLD);
	screen_add(s, "%s", w->name);
	screen_hue(s, HUE_PLAIN);
	screen_add(s, ": %s\n\n", w->brief);
	word_describe(w, s);
	return EXIT_OK;
}

/*
 * The names come from the cluster, and bash expands what compgen -W is given: a name with a $(...)
 * in it would be run. So only what can be the name of a pod is offered, whatever podresctrl prints.
 */
#define ONLY_NAMES "LC_ALL=C grep -xE '[a-z0-9.-]+/[a-z0-9.-]+'"

/* %s: the commands, the options, the reasons */
static const char bash_script[] =
	"# bash completion of podresctrl: source it, or put it into\n"
	"# /usr/share/bash-completion/completions/podresctrl\n"
	"_podresctrl()\n"
	"{\n"
	"\tlocal word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal commands='%s' options='%s' reasons='%s' words\n"
	"\tcase $previous in\n"
	"\tshow|retry) words=$(podresctrl list --output=name 2>/dev/null | " ONLY_NAMES ") ;;\n"
	"\texplain) words=$reasons ;;\n"
	"\tcompletion) words='bash zsh fish' ;;\n"
	"\t--output|-o) words='json name' ;;\n"
	"\t--socket) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
	"\t*) words=$commands ;;\n"
	"\tesac\n"
	"\t[[ $word != -* ]] || words=$options\n"
	"\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	"}\n"
	"complete -F _podresctrl podresctrl\n";

static const char zsh_script[] =
	"#compdef podresctrl\n"
	"# zsh completion of podresctrl: put it as _podresctrl into a directory of $fpath\n"
	"local commands='%s' options='%s' reasons='%s'\n"
	"case ${words[CURRENT-1]} in\n"
	"show|retry) compadd -- ${(f)\"$(podresctrl list --output=name 2>/dev/null | " ONLY_NAMES
	")\"} ;;\n"
	"explain) compadd -- ${=reasons} ;;\n"
	"completion) compadd -- bash zsh fish ;;\n"
	"--output|-o) compadd -- json name ;;\n"
	"--socket) _files ;;\n"
	"*)\n"
	"\tif [[ $PREFIX == -* ]]; then compadd -- ${=options}; else compadd -- ${=commands}; fi\n"
	"\t;;\n"
	"esac\n";

static const char fish_script[] =
	"# fish completion of podresctrl: put it into ~/.config/fish/completions/podresctrl.fish\n"
	"complete -c podresctrl -f\n"
	"complete -c podresctrl -n __fish_use_subcommand -a '%s'\n"
	"complete -c podresctrl -a '%s' -n 'string match -q -- \"-*\" (commandline -ct)'\n"
	"complete -c podresctrl -n '__fish_seen_subcommand_from explain' -a '%s'\n"
	"complete -c podresctrl -n '__fish_seen_subcommand_from show retry' \\\n"
	"\t-a \"(podresctrl list --output=name 2>/dev/null | " ONLY_NAMES ")\"\n"
	"complete -c podresctrl -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n";

static void fill_in(struct strbuf *out, const char *script, const char *const *lists)
{
	for (const char *p = script; *p; p++) {
		if (p[0] == '%' && p[1] == 's') {
			(void)strbuf_adds(out, *lists++);
			p++;
		} else {
			(void)strbuf_addc(out, *p);
		}
	}
}

enum exit_status command_completion(struct command_context *c, struct err *e)
{
	static const struct {
		const char *shell, *script;
	} scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
	AUTO_STRBUF struct strbuf commands, options, reasons;
	const struct word *w;

	strbuf_init(&commands, 4096);
	strbuf_init(&options, 4096);
	strbuf_init(&reasons, 4096);
	args_command_names(&commands);
	args_option_names(&options);
	for (size_t i = 0; (w = word_at(i)); i++)
		(void)strbuf_addf(&reasons, "%s ", w->name);
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		const char *const lists[] = {strbuf_str(&commands), strbuf_str(&options),
					     strbuf_str(&reasons)};

		if (strcmp(c->args->operand, scripts[i].shell) == 0) {
			fill_in(&c->screen.out, scripts[i].script, lists);
			return EXIT_OK;
		}
	}
	(void)err_set(e, -EINVAL, "completion is there for bash, zsh and fish, not for '%.50s'",
		      c->args->operand);
	return EXIT_USAGE;
}

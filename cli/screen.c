/* SPDX-License-Identifier: Apache-2.0 */
#include "screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define OUT_MAX       ((size_t)256 * 1024 * 1024)
#define HEADING_WIDTH 13
#define WIDTH_MIN     40
#define WIDTH_DEFAULT 80

void screen_init(struct screen *s, int fd, const char *no_color, const char *term)
{
	struct winsize size;

	*s = (struct screen){.is_terminal = isatty(fd) == 1};
	strbuf_init(&s->out, OUT_MAX);
	if (!s->is_terminal)
		return;
	s->has_colours = !(no_color && *no_color) && term && *term && strcmp(term, "dumb") != 0;
	s->width = WIDTH_DEFAULT;
	/* 0 when it does not know. What is too narrow for a table breaks the lines itself. */
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
		s->width = size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
}

void screen_done(struct screen *s)
{
	strbuf_done(&s->out);
}

int screen_flush(struct screen *s, int fd, struct err *e)
{
	size_t at = 0;

	if (s->out.error)
		return err_set(e, s->out.error, "too much to print");
	while (at < s->out.len) {
		ssize_t n = write(fd, s->out.data + at, s->out.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, -errno, "cannot write");
		at += (size_t)n;
	}
	strbuf_reset(&s->out);
	return 0;
}

void screen_add(struct screen *s, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)strbuf_adds(&s->out, text);
}

void screen_hue(struct screen *s, enum hue hue)
{
	static const char *const codes[] = {
		[HUE_PLAIN] = "\033[m",  [HUE_BOLD] = "\033[1m", [HUE_GOOD] = "\033[32m",
		[HUE_WAIT] = "\033[33m", [HUE_BAD] = "\033[31m",
	};

	if (s->has_colours)
		(void)strbuf_adds(&s->out, codes[hue]);
}

enum hue screen_hue_of(const char *word)
{
	static const char *const good[] = {"AllAssigned", "Exists", "Reconciled", "Succeeded",
					   "NothingToDo"};
	static const char *const waits[] = {"Pending", "RMIDsInLimbo", "Unknown", "-", ""};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (strcmp(word, good[i]) == 0)
			return HUE_GOOD;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++)
		if (strcmp(word, waits[i]) == 0)
			return HUE_WAIT;
	return HUE_BAD;
}

void screen_row(struct screen *s, const char *heading, enum hue hue, const char *text)
{
	if (!*text)
		return;
	screen_hue(s, HUE_BOLD);
	screen_add(s, "%-*s", HEADING_WIDTH, heading);
	screen_hue(s, HUE_PLAIN);
	if (hue != HUE_PLAIN)
		screen_hue(s, hue);
	(void)text_add(&s->out, text, 0);
	if (hue != HUE_PLAIN)
		screen_hue(s, HUE_PLAIN);
	screen_add(s, "\n");
}

void screen_wrap(struct screen *s, size_t indent, const char *text)
{
	size_t width = s->width ? s->width : WIDTH_DEFAULT, used = 0;
	AUTO_STRBUF struct strbuf word;

	strbuf_init(&word, OUT_MAX);
	while (*(text += strspn(text, " \n"))) {
		size_t len = strcspn(text, " \n"), columns;

		strbuf_reset(&word);
		(void)strbuf_add(&word, text, len);
		columns = text_width(strbuf_str(&word));
		if (used && used + 1 + columns > width) {
			screen_add(s, "\n");
			used = 0;
		}
		screen_add(s, "%*s", used ? 1 : (int)indent, "");
		used += (used ? 1 : indent) + columns;
		(void)text_add(&s->out, strbuf_str(&word), 0);
		text += len;
	}
	if (used)
		screen_add(s, "\n");
}

/* SPDX-License-Identifier: Apache-2.0 */

/* podresctrl events */

#include "commands.h"
#include "json_reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DATE_LEN strlen("2026-11-24T")

struct stream {
	struct command_context *c;
	bool is_cut_off;
};

/* On a terminal the time of day is enough, and leaves room. */
static void print_time(const char *time, struct screen *s)
{
	if (s->is_terminal && strlen(time) > DATE_LEN && time[DATE_LEN - 1] == 'T')
		time += DATE_LEN;
	(void)text_add(&s->out, time, 0);
	screen_add(s, "  ");
}

static void print_word(const char *word, struct screen *s)
{
	screen_hue(s, screen_hue_of(word));
	(void)text_add(&s->out, word, 0);
	screen_hue(s, HUE_PLAIN);
}

static void print_event(struct json_object *o, struct screen *s)
{
	const char *kind = json_text(o, "kind");
	char placed[48];

	print_time(json_text(o, "time"), s);
	if (*json_text(o, "name")) {
		(void)text_add(&s->out, json_text(o, "namespace"), 0);
		screen_add(s, "/");
		(void)text_add(&s->out, json_text(o, "name"), 0);
		screen_add(s, "  ");
	}
	if (strcmp(kind, "AddOrUpdate") == 0) {
		placed_text(o, placed, sizeof(placed));
		print_word(json_text(o, "groupState"), s);
		screen_add(s, " %s", placed);
	} else if (strcmp(kind, "Notice") == 0) {
		(void)text_add(&s->out, json_text(o, "notice"), 0);
	} else {
		(void)text_add(&s->out, kind, 0);
	}
	if (*json_text(o, "reason")) {
		screen_add(s, "  ");
		print_word(json_text(o, "reason"), s);
	}
	if (*json_text(o, "message")) {
		screen_add(s, "  ");
		(void)text_add(&s->out, json_text(o, "message"), 0);
	}
	screen_add(s, "\n");
}

static int on_line(void *ctx, const char *line, size_t len, struct err *e)
{
	struct stream *stream = ctx;
	struct screen *s = &stream->c->screen;
	struct json_object *o = json_read(line, len);

	if (!o)
		return err_set(
			e, -EPROTO,
			"what listens at %s is not podresctrld: it sends a line that is no JSON",
			stream->c->client.socket);
	stream->is_cut_off = strcmp(json_text(o, "kind"), "CutOff") == 0;
	if (stream->c->args->output == OUTPUT_JSON)
		json_write(&s->out, o, false);
	else
		print_event(o, s);
	json_object_put(o);
	return screen_flush(s, stream->c->fd, e);
}

enum exit_status command_events(struct command_context *c, struct err *e)
{
	struct stream stream = {.c = c};
	bool follow = c->args->follow;
	int r = client_follow(&c->client, follow ? "/v1/events?follow=true" : "/v1/events", follow,
			      on_line, &stream, e);

	if (r < 0)
		return status_of(r);
	if (stream.is_cut_off)
		return status_of(err_set(e, -EREMOTEIO,
					 "this reader was too slow, so podresctrld ended it"));
	if (follow)
		return status_of(err_set(e, -ECONNREFUSED,
					 "podresctrld ended the stream: it is going down"));
	return EXIT_OK;
}

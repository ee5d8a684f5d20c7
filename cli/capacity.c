/* SPDX-License-Identifier: Apache-2.0 */

/* podresctrl capacity: whose the RMIDs of the machine are. */

#include "commands.h"
#include "json_reader.h"
#include "units.h"

#include <stdio.h>
#include <string.h>

#define BAR_MAX 60

/* A part of the total: what it is called, its sign in the bar. */
struct share {
	const char *name;
	char sign;
	enum hue hue;
	bool is_known;
	uint64_t nr;
	const char *note;
};

enum { OURS, FOREIGN, ROOT, UNUSED, NR_SHARES };

static void read_shares(struct json_object *rmids, struct share *shares)
{
	uint64_t total = 0, free_ = 0, limbo = 0;
	bool is_split = json_number(rmids, "free", &free_) && json_number(rmids, "inLimbo", &limbo);

	shares[OURS] = (struct share){.name = "our pods", .sign = '#', .hue = HUE_GOOD, .note = ""};
	shares[FOREIGN] = (struct share){
		.name = "others", .sign = 'o', .hue = HUE_WAIT, .note = "groups of other tools"};
	shares[ROOT] =
		(struct share){.name = "root", .sign = 'r', .note = "the root group, always"};
	shares[UNUSED] = (struct share){
		.name = "unused",
		.sign = '.',
		.note = "free, or draining after a group went away: the kernel does not tell"};
	for (int i = OURS; i <= FOREIGN; i++)
		shares[i].is_known =
			json_number(rmids, i == OURS ? "ours" : "foreign", &shares[i].nr);
	shares[ROOT].is_known = json_number(rmids, "total", &total);
	shares[ROOT].nr = total ? 1 : 0;
	shares[UNUSED].is_known = json_number(rmids, "unused", &shares[UNUSED].nr);
	if (is_split && !free_ && !limbo)
		shares[UNUSED].note = "none is free, none is draining";
}

/* At least one column for what is there at all; what rounding leaves over goes to the largest. */
static void size_bar(const struct share *shares, uint64_t total, size_t width, size_t *columns)
{
	size_t largest = 0, used = 0;

	for (size_t i = 0; i < NR_SHARES; i++) {
		columns[i] = (size_t)(shares[i].nr * width / total);
		if (shares[i].nr && !columns[i])
			columns[i] = 1;
		used += columns[i];
		if (shares[i].nr > shares[largest].nr)
			largest = i;
	}
	columns[largest] += width - used;
}

static void print_bar(const struct share *shares, uint64_t total, struct screen *s)
{
	size_t columns[NR_SHARES];

	size_bar(shares, total, s->width - 4 < BAR_MAX ? s->width - 4 : BAR_MAX, columns);
	screen_add(s, "[");
	for (size_t i = 0; i < NR_SHARES; i++) {
		screen_hue(s, shares[i].hue);
		for (size_t k = 0; k < columns[i]; k++)
			screen_add(s, "%c", shares[i].sign);
		screen_hue(s, HUE_PLAIN);
	}
	screen_add(s, "]\n");
}

static void print_shares(struct json_object *rmids, struct screen *s)
{
	struct share shares[NR_SHARES];
	uint64_t total = 0, sum = 0, reserve = 0;

	read_shares(rmids, shares);
	if (!json_number(rmids, "total", &total) || total == 0) {
		screen_add(s, "How many RMIDs there are is not known.\n");
		return;
	}
	for (int i = 0; i < NR_SHARES; i++)
		sum += shares[i].is_known && shares[i].nr <= total ? shares[i].nr : total + 1;
	/* Only numbers that add up make a bar. */
	if (s->is_terminal && sum == total) {
		print_bar(shares, total, s);
		screen_add(s, "\n");
	}
	for (int i = 0; i < NR_SHARES; i++) {
		char nr[24] = "?";

		if (shares[i].is_known)
			(void)snprintf(nr, sizeof(nr), "%llu", (unsigned long long)shares[i].nr);
		screen_add(s, "%c %-10s %6s%s%s\n", s->is_terminal ? shares[i].sign : ' ',
			   shares[i].name, nr, *shares[i].note ? "   " : "", shares[i].note);
	}
	screen_add(s, "  %-10s %6llu   RMIDs of this machine\n", "total",
		   (unsigned long long)total);
	if (json_number(rmids, "reserve", &reserve) && reserve)
		screen_add(s, "  %-10s %6llu   of the unused are left to others (--rmid-reserve)\n",
			   "reserved", (unsigned long long)reserve);
}

/* Only the daemon of control groups tells of them. */
static void print_closids(struct json_object *closids, struct screen *s)
{
	static const char *const keys[] = {"total", "ours", "foreign", "unused"};
	unsigned long long nr[ARRAY_LEN(keys)];
	char text[160];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		uint64_t value;

		if (!json_number(closids, keys[i], &value))
			return;
		nr[i] = value;
	}
	(void)snprintf(text, sizeof(text),
		       "%llu: %llu our pods, %llu others, 1 the root group, %llu unused", nr[0],
		       nr[1], nr[2], nr[3]);
	screen_row(s, "CLOSIDs", nr[3] ? HUE_PLAIN : HUE_BAD, text);
}

static void print_capacity(struct json_object *answer, struct screen *s)
{
	struct json_object *mount = json_child(answer, "mount"),
			   *rmids = json_child(answer, "rmids");
	bool simulated = strcmp(json_text(answer, "resctrl"), "simulated") == 0;
	char text[1024];
	uint64_t bytes;

	(void)snprintf(text, sizeof(text), "%s, %sresctrl at %s", json_text(answer, "node"),
		       simulated ? "simulated " : "", json_text(mount, "path"));
	screen_row(s, "Node", HUE_PLAIN, text);
	screen_row(
		s, "Groups", HUE_PLAIN,
		strcmp(json_text(answer, "groupKind"), "ctrl") == 0
			? "control groups: each takes a CLOSID, of which there are few, and an RMID"
			: "monitoring groups: each takes an RMID");
	print_closids(json_child(answer, "closids"), s);
	if (!json_flag(mount, "usable")) {
		(void)snprintf(text, sizeof(text), "not usable: %s", json_text(mount, "reason"));
		screen_row(s, "resctrl", HUE_BAD, text);
		screen_wrap(s, 13, json_text(mount, "message"));
	}
	if (json_number(answer, "limboThresholdBytes", &bytes)) {
		char size[32];

		units_bytes(bytes, size, sizeof(size));
		(void)snprintf(text, sizeof(text),
			       "a draining RMID is free when it holds less than %s of cache", size);
		screen_row(s, "Draining", HUE_PLAIN, text);
	}
	screen_row(s, "Last refusal", HUE_BAD, json_text(rmids, "lastRefusal"));
	screen_add(s, "\n");
	print_shares(rmids, s);
}

enum exit_status command_capacity(struct command_context *c, struct err *e)
{
	struct json_object *answer = NULL;
	enum exit_status status = ask(c, false, "/v1/capacity", &answer, e);

	if (status != EXIT_OK)
		return status;
	if (c->args->output == OUTPUT_JSON)
		json_write(&c->screen.out, answer, true);
	else
		print_capacity(answer, &c->screen);
	json_object_put(answer);
	return EXIT_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "options_priv.h"

#include "http_listen.h"
#include "label_selector.h"
#include "num.h"
#include "strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MS_PER_DAY 86400000u

static void *field_of(struct options *o, const struct option_spec *spec)
{
	return (char *)o + spec->offset;
}

static const void *field_in(const struct options *o, const struct option_spec *spec)
{
	return (const char *)o + spec->offset;
}

static int bad_value(struct err *e, const char *value, const char *wanted)
{
	return err_set(e, -EINVAL, "'%.100s' is not right: it takes %s", value, wanted);
}

static int set_switch(struct options *o, const struct option_spec *spec, const char *value,
		      struct err *e)
{
	static const char *const words[][2] = {
		{"false", "true"}, {"off", "on"}, {"no", "yes"}, {"0", "1"}};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		bool is_on = strcmp(value, words[i][1]) == 0;

		if (!is_on && strcmp(value, words[i][0]) != 0)
			continue;
		*(bool *)field_of(o, spec) = is_on;
		return 0;
	}
	return bad_value(e, value, "on or off (or true or false)");
}

static int set_choice(struct options *o, const struct option_spec *spec, const char *value,
		      struct err *e)
{
	char wanted[96] = "";
	size_t len = 0;

	for (int i = 0; spec->choices[i]; i++) {
		if (strcmp(value, spec->choices[i]) == 0) {
			*(int *)field_of(o, spec) = i; /* an enum */
			return 0;
		}
		len += (size_t)snprintf(wanted + len, sizeof(wanted) - len, "%s%s", i ? ", " : "",
					spec->choices[i]);
	}
	return bad_value(e, value, wanted);
}

static int set_number(struct options *o, const struct option_spec *spec, const char *value,
		      struct err *e)
{
	char wanted[96];
	uint64_t n;

	if (num_parse_u64(value, strlen(value), spec->max, &n) < 0 || n < spec->min) {
		(void)snprintf(wanted, sizeof(wanted), "a number from %llu to %llu",
			       (unsigned long long)spec->min, (unsigned long long)spec->max);
		return bad_value(e, value, wanted);
	}
	*(uint64_t *)field_of(o, spec) = n;
	return 0;
}

static int set_duration(struct options *o, const struct option_spec *spec, const char *value,
			struct err *e)
{
	if (num_parse_duration_ms(value, MS_PER_DAY, field_of(o, spec)) < 0)
		return bad_value(e, value, "a time such as 500ms, 10s, 5m, 1h, or 0");
	return 0;
}

/* One ",key=value" of the simulated backend; *TEXT moves behind it. */
static bool take_simulated_setting(struct options *o, const char **text)
{
	char value[24];
	size_t len;
	bool is_rmids = strncmp(*text, ",rmids=", 7) == 0;

	if (!is_rmids && strncmp(*text, ",limbo=", 7) != 0)
		return false;
	*text += 7;
	len = strcspn(*text, ",");
	if (len >= sizeof(value))
		return false;
	memcpy(value, *text, len);
	value[len] = '\0';
	*text += len;
	if (is_rmids)
		return num_parse_u64(value, len, 65536, &o->simulated_rmids) == 0 &&
		       o->simulated_rmids >= 2;
	return num_parse_duration_ms(value, MS_PER_DAY, &o->simulated_limbo_ms) == 0;
}

static int set_resctrl(struct options *o, const char *value, struct err *e)
{
	const char *rest = value + strlen("simulated");
	bool good = true;

	o->simulated = false;
	if (strcmp(value, "real") == 0)
		return 0;
	if (strncmp(value, "simulated", strlen("simulated")) == 0) {
		o->simulated = true;
		while (good && *rest)
			good = take_simulated_setting(o, &rest);
		if (good)
			return 0;
	}
	return bad_value(e, value, "real, or simulated with ,rmids=N (2 to 65536) and ,limbo=TIME");
}

static int set_prefix(struct options *o, const struct option_spec *spec, const char *value,
		      struct err *e)
{
	static const char *const reserved[] = {"mon_groups", "mon_data", "info"};
	size_t len = strlen(value);
	bool good = len >= 1 && len <= 64 &&
		    strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789-_") == len;

	/* A reserved name, or the beginning of one, would match resctrl's own directories. */
	for (size_t i = 0; good && i < ARRAY_LEN(reserved); i++)
		good = strncmp(reserved[i], value, len) != 0;
	if (!good)
		return bad_value(
			e, value,
			"1 to 64 letters, digits, '-' and '_', and no name of resctrl's own");
	*(const char **)field_of(o, spec) = value;
	return 0;
}

/* Names of namespaces: DNS labels, RFC 1123. */
static int set_list(struct options *o, const struct option_spec *spec, const char *value,
		    struct err *e)
{
	const char *item = value;

	for (;;) {
		size_t len = strspn(item, "abcdefghijklmnopqrstuvwxyz0123456789-");

		if (!len || len > 63 || *item == '-' || item[len - 1] == '-' ||
		    (item[len] && item[len] != ','))
			return bad_value(e, value,
					 "names of namespaces with commas between: shop,bank");
		if (!item[len])
			break;
		item += len + 1;
	}
	*(const char **)field_of(o, spec) = value;
	return 0;
}

static int set_or_off(struct options *o, const struct option_spec *spec, const char *value,
		      struct err *e)
{
	bool is_off = !*value || strcmp(value, "off") == 0;
	struct http_address address;

	if (spec->kind == KIND_ADDRESS && !is_off && http_address_parse(value, &address, NULL) < 0)
		return bad_value(e, value,
				 "ADDRESS:PORT such as 127.0.0.1:9433, [::1]:9433 or :9433 for all "
				 "addresses, or off");
	*(const char **)field_of(o, spec) = is_off ? NULL : value;
	return 0;
}

static int set_selector(struct options *o, const struct option_spec *spec, const char *value,
			struct err *e)
{
	struct label_selector *selector;
	struct err why = {0};
	int r = label_selector_new(value, &selector, &why);

	if (r == -EINVAL)
		return err_set(e, r,
			       "'%.100s' is not right: it takes labels as kubectl -l does, such as "
			       "app=web,tier in (a,b),!batch: %s",
			       value, why.msg);
	if (r < 0)
		return err_set(e, r, "%s", why.msg);
	label_selector_free(selector);
	*(const char **)field_of(o, spec) = value;
	return 0;
}

int option_set(struct options *o, const struct option_spec *spec, const char *value, struct err *e)
{
	switch (spec->kind) {
	case KIND_SWITCH:
		return set_switch(o, spec, value, e);
	case KIND_NUMBER:
		return set_number(o, spec, value, e);
	case KIND_DURATION:
		return set_duration(o, spec, value, e);
	case KIND_CHOICE:
		return set_choice(o, spec, value, e);
	case KIND_RESCTRL:
		return set_resctrl(o, value, e);
	case KIND_PREFIX:
		return set_prefix(o, spec, value, e);
	case KIND_LIST:
		return set_list(o, spec, value, e);
	case KIND_SELECTOR:
		return set_selector(o, spec, value, e);
	case KIND_INDEX:
		if (strlen(value) != 2 || strspn(value, "0123456789") != 2)
			return bad_value(e, value, "two digits, 00 to 99");
		break;
	case KIND_LOG_TO:
		if (strcmp(value, "stderr") != 0 && strcmp(value, "syslog") != 0 &&
		    (strncmp(value, OPTION_SYSLOG_AT, strlen(OPTION_SYSLOG_AT)) != 0 ||
		     !value[strlen(OPTION_SYSLOG_AT)]))
			return bad_value(e, value, "stderr, syslog or syslog:SOCKET");
		break;
	case KIND_ADDRESS:
	case KIND_OR_OFF:
		return set_or_off(o, spec, value, e);
	case KIND_TEXT:
		if (!*value)
			return bad_value(e, value, "some text");
		break;
	}
	*(const char **)field_of(o, spec) = value;
	return 0;
}

static void print_duration(struct strbuf *out, uint64_t ms)
{
	static const struct {
		const char *suffix;
		uint64_t ms;
	} units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
	size_t i = 0;

	if (!ms) {
		(void)strbuf_addc(out, '0');
		return;
	}
	while (ms % units[i].ms)
		i++;
	(void)strbuf_addf(out, "%llu%s", (unsigned long long)(ms / units[i].ms), units[i].suffix);
}

static void print_resctrl(struct strbuf *out, const struct options *o)
{
	if (!o->simulated) {
		(void)strbuf_adds(out, "real");
		return;
	}
	(void)strbuf_addf(out,
			  "simulated,rmids=%llu,limbo=", (unsigned long long)o->simulated_rmids);
	print_duration(out, o->simulated_limbo_ms);
}

const char *option_text(const struct options *o, const struct option_spec *spec)
{
	switch (spec->kind) {
	case KIND_TEXT:
	case KIND_PREFIX:
	case KIND_INDEX:
	case KIND_LOG_TO:
	case KIND_SELECTOR:
	case KIND_LIST:
	case KIND_OR_OFF:
	case KIND_ADDRESS:
		return *(const char *const *)field_in(o, spec);
	case KIND_SWITCH:
	case KIND_NUMBER:
	case KIND_DURATION:
	case KIND_CHOICE:
	case KIND_RESCTRL:
		break;
	}
	return NULL;
}

bool option_get(const struct options *o, const struct option_spec *spec, struct strbuf *out)
{
	const void *field = field_in(o, spec);
	const char *text;

	switch (spec->kind) {
	case KIND_SWITCH:
		(void)strbuf_adds(out, *(const bool *)field ? "on" : "off");
		return true;
	case KIND_NUMBER:
		(void)strbuf_addf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
		return true;
	case KIND_DURATION:
		print_duration(out, *(const uint64_t *)field);
		return true;
	case KIND_CHOICE:
		(void)strbuf_adds(out, spec->choices[*(const int *)field]);
		return true;
	case KIND_RESCTRL:
		print_resctrl(out, o);
		return true;
	case KIND_OR_OFF:
	case KIND_ADDRESS:
		text = *(const char *const *)field;
		(void)strbuf_adds(out, text ? text : "off");
		return true;
	case KIND_TEXT:
	case KIND_PREFIX:
	case KIND_INDEX:
	case KIND_LOG_TO:
	case KIND_SELECTOR:
	case KIND_LIST:
		break;
	}
	text = option_text(o, spec);
	if (text)
		(void)strbuf_adds(out, text);
	return text != NULL;
}

void option_copy(struct options *to, const struct options *from, const struct option_spec *spec)
{
	size_t size = sizeof(const char *);

	if (spec->kind == KIND_SWITCH)
		size = sizeof(bool);
	else if (spec->kind == KIND_CHOICE)
		size = sizeof(int);
	else if (spec->kind == KIND_NUMBER || spec->kind == KIND_DURATION)
		size = sizeof(uint64_t);
	memcpy(field_of(to, spec), field_in(from, spec), size);
}

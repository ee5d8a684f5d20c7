/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include "clock.h"
#include "log_syslog.h"
#include "strbuf.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Lines remembered for repeats; the oldest gives way. */
#define NR_REMEMBERED 64

struct remembered {
	uint64_t hash;
	uint64_t written_ms;
	uint64_t repeated;
};

struct log {
	int fd;
	struct log_syslog *syslog; /* NULL: write to fd */
	enum log_level level;
	enum log_format format;
	uint64_t dropped;
	struct log_stats stats;
	struct remembered remembered[NR_REMEMBERED];
	struct strbuf line, pairs;
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

struct log *log_new(int fd, enum log_level level, enum log_format format)
{
	struct log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->fd = fd;
	log->level = level;
	log->format = format;
	strbuf_init(&log->line, LOG_LINE_MAX);
	strbuf_init(&log->pairs, LOG_LINE_MAX - 256);
	return log;
}

void log_free(struct log *log)
{
	if (!log)
		return;
	strbuf_done(&log->line);
	strbuf_done(&log->pairs);
	log_syslog_free(log->syslog);
	free(log);
}

void log_set_level(struct log *log, enum log_level level, enum log_format format)
{
	log->level = level;
	log->format = format;
}

int log_to_syslog(struct log *log, const char *path, struct err *e)
{
	struct log_syslog *syslog;
	int r = log_syslog_new(path, &syslog, e);

	if (r < 0)
		return r;
	log_syslog_free(log->syslog);
	log->syslog = syslog;
	return 0;
}

void log_to_fd(struct log *log)
{
	log_syslog_free(log->syslog);
	log->syslog = NULL;
}

/* Length of the valid UTF-8 sequence at S, 0 when there is none. */
static size_t utf8_sequence(const unsigned char *s)
{
	static const struct {
		unsigned char first, last; /* of the lead byte */
		unsigned char low, high;   /* of the second byte */
		size_t len;
	} forms[] = {
		{0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (s[0] < forms[i].first || s[0] > forms[i].last)
			continue;
		if (forms[i].len > 1 && (s[1] < forms[i].low || s[1] > forms[i].high))
			return 0;
		for (size_t k = 2; k < forms[i].len; k++) {
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		}
		return forms[i].len;
	}
	return 0;
}

/* Between double quotes, in escapes that logfmt readers and JSON share. */
static void add_quoted(struct strbuf *sb, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	(void)strbuf_addc(sb, '"');
	while (*s) {
		size_t len = utf8_sequence(s);

		if (*s == '"' || *s == '\\')
			(void)strbuf_addf(sb, "\\%c", *s);
		else if (*s == '\n')
			(void)strbuf_adds(sb, "\\n");
		else if (*s < 0x20 || *s == 0x7f)
			(void)strbuf_addf(sb, "\\u%04x", *s);
		else if (!len)
			(void)strbuf_adds(sb, "\\ufffd");
		else
			(void)strbuf_add(sb, s, len);
		s += len ? len : 1;
	}
	(void)strbuf_addc(sb, '"');
}

static bool is_plain(const char *value)
{
	for (const char *c = value; *c; c++) {
		if (*c <= ' ' || *c > '~' || *c == '"' || *c == '=' || *c == '\\')
			return false;
	}
	return *value != '\0';
}

/* A pair that does not fit is left out whole, so that a line is never half a value. */
static void add_pair(const struct log *log, struct strbuf *sb, const char *key, const char *value)
{
	size_t before = sb->len;

	if (sb->error)
		return;
	if (log->format == LOG_FORMAT_JSON) {
		(void)strbuf_addf(sb, ",\"%s\":", key);
		add_quoted(sb, value);
	} else {
		(void)strbuf_addf(sb, " %s=", key);
		if (is_plain(value))
			(void)strbuf_adds(sb, value);
		else
			add_quoted(sb, value);
	}
	if (sb->error && sb->data) {
		sb->len = before;
		sb->data[before] = '\0';
	}
}

static void add_head(const struct log *log, struct strbuf *sb, enum log_level level,
		     const char *msg)
{
	int64_t wall_ms = clock_wall_ms();
	time_t seconds = (time_t)(wall_ms / 1000);
	char stamp[32];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm))
		stamp[0] = '\0';
	if (log->format == LOG_FORMAT_JSON) {
		(void)strbuf_addf(sb, "{\"ts\":\"%s.%03dZ\",\"level\":\"%s\",\"msg\":", stamp,
				  (int)(wall_ms % 1000), level_names[level]);
	} else {
		(void)strbuf_addf(sb, "ts=%s.%03dZ level=%s msg=", stamp, (int)(wall_ms % 1000),
				  level_names[level]);
	}
	add_quoted(sb, msg);
}

static uint64_t hash_text(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return h;
}

/* NULL when the line is a repeat and was counted; otherwise the place where it is remembered. */
static struct remembered *remember(struct log *log, uint64_t hash, uint64_t now_ms)
{
	struct remembered *oldest = &log->remembered[0];

	for (size_t i = 0; i < NR_REMEMBERED; i++) {
		struct remembered *r = &log->remembered[i];

		if (r->hash == hash && r->written_ms) {
			if (now_ms - r->written_ms >= LOG_REPEAT_MS)
				return r;
			r->repeated++;
			return NULL;
		}
		if (r->written_ms < oldest->written_ms)
			oldest = r;
	}
	*oldest = (struct remembered){.hash = hash};
	return oldest;
}

static void add_count(const struct log *log, struct strbuf *sb, const char *key, uint64_t n)
{
	char text[24];

	if (n)
		add_pair(log, sb, key, log_uint(text, sizeof(text), n));
}

/* A regular file is always ready; a pipe that is has room for a line of this length. */
static bool write_to_fd(const struct log *log)
{
	struct pollfd p = {.fd = log->fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && !(p.revents & (POLLERR | POLLNVAL)) &&
	       write(log->fd, log->line.data, log->line.len) >= 0;
}

static void write_line(struct log *log, enum log_level level)
{
	bool written = log->syslog ? log_syslog_send(log->syslog, level, strbuf_str(&log->line))
				   : write_to_fd(log);

	if (written) {
		log->dropped = 0;
		log->stats.lines[level]++;
	} else {
		log->dropped++;
		log->stats.dropped++;
	}
}

void log_get_stats(const struct log *log, struct log_stats *ret)
{
	*ret = log->stats;
}

void log_write(struct log *log, enum log_level level, const char *msg, ...)
{
	struct remembered *r;
	uint64_t now_ms;
	const char *key;
	va_list ap;

	if (!log || level > log->level)
		return;
	now_ms = clock_monotonic_ms();
	strbuf_reset(&log->pairs);
	va_start(ap, msg);
	while ((key = va_arg(ap, const char *))) {
		const char *value = va_arg(ap, const char *);

		if (value && *value)
			add_pair(log, &log->pairs, key, value);
	}
	va_end(ap);
	r = remember(log, hash_text(hash_text(14695981039346656037u, msg), strbuf_str(&log->pairs)),
		     now_ms);
	if (!r) {
		log->stats.repeated++;
		return;
	}
	strbuf_reset(&log->line);
	add_head(log, &log->line, level, msg);
	(void)strbuf_add(&log->line, strbuf_str(&log->pairs), log->pairs.len);
	add_count(log, &log->line, "repeated", r->repeated);
	add_count(log, &log->line, "dropped", log->dropped);
	(void)strbuf_adds(&log->line, log->format == LOG_FORMAT_JSON ? "}\n" : "\n");
	r->written_ms = now_ms;
	r->repeated = 0;
	if (!log->line.error)
		write_line(log, level);
}

const char *log_uint(char *buf, size_t size, uint64_t v)
{
	(void)snprintf(buf, size, "%llu", (unsigned long long)v);
	return buf;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

volatile sig_atomic_t bench_interrupted;

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts = {0};

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t wall_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t own_cpu_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void pause_ms(unsigned ms)
{
	(void)poll(NULL, 0, (int)ms);
}

void say(const char *fmt, ...)
{
	static uint64_t begin;
	va_list ap;

	if (!begin)
		begin = wall_ns();
	(void)fprintf(stderr, "bench: %5.1f s  ", (double)(wall_ns() - begin) / 1e9);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

void samples_add(struct samples *s, uint64_t ns)
{
	if (s->nr == s->size) {
		size_t size = s->size ? s->size * 2 : 256;
		uint64_t *p = realloc(s->ns, size * sizeof(*p));

		if (!p)
			return;
		s->ns = p;
		s->size = size;
	}
	s->ns[s->nr++] = ns;
	s->is_sorted = false;
}

void samples_add_all(struct samples *to, const struct samples *from)
{
	for (size_t i = 0; i < from->nr; i++)
		samples_add(to, from->ns[i]);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

double samples_us(struct samples *s, double part)
{
	if (!s->nr)
		return 0;
	if (!s->is_sorted)
		qsort(s->ns, s->nr, sizeof(*s->ns), compare);
	s->is_sorted = true;
	return (double)s->ns[(size_t)((double)(s->nr - 1) * part + 0.5)] / 1000.0;
}

void samples_done(struct samples *s)
{
	free(s->ns);
	*s = (struct samples){0};
}

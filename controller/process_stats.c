/* SPDX-License-Identifier: Apache-2.0 */
#include "process_stats.h"

#include "num.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#define STAT_MAX 2048
/* Fields of /proc/PID/stat behind the command's name, counted from the state: proc(5). */
#define STAT_UTIME 11
#define STAT_STIME 12
#define STAT_VSIZE 20
#define STAT_RSS   21
#define STAT_NR    22

#define US_PER_S 1000000u

static ssize_t read_file(const char *path, char *buf, size_t size)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

static int read_stat(uint64_t fields[STAT_NR])
{
	char text[STAT_MAX], *at;
	ssize_t n = read_file("/proc/self/stat", text, sizeof(text));

	if (n < 0)
		return (int)n;
	at = strrchr(text, ')'); /* the name before it may hold anything */
	if (!at)
		return -EIO;
	at += 2;
	for (size_t i = 0; i < STAT_NR; i++) {
		const char *field = strsep(&at, " ");

		if (!field)
			return -EIO;
		/* Others than those above may be letters or negative. */
		if (num_parse_u64(field, strlen(field), UINT64_MAX, &fields[i]) < 0)
			fields[i] = 0;
	}
	return 0;
}

static uint64_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
	while (dir && readdir(dir))
		n++;
	if (!dir)
		return 0;
	(void)closedir(dir);
	return n - 3; /* ".", ".." and the one that was read from */
}

int process_stats_read(struct process_stats *ret)
{
	uint64_t fields[STAT_NR] = {0};
	uint64_t tick = (uint64_t)sysconf(_SC_CLK_TCK);
	struct rlimit limit = {0};
	int r = read_stat(fields);

	if (r < 0)
		return r;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	*ret = (struct process_stats){
		.cpu_us = (fields[STAT_UTIME] + fields[STAT_STIME]) * US_PER_S / tick,
		.resident_bytes = fields[STAT_RSS] * (uint64_t)sysconf(_SC_PAGESIZE),
		.virtual_bytes = fields[STAT_VSIZE],
		.open_fds = count_fds(),
		.max_fds = limit.rlim_cur,
	};
	return 0;
}

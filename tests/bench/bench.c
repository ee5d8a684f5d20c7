/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bench --daemon PATH --resctrl real|simulated [--pods N] [--sync-pods N] [--audit-pods N]
 *
 * Prints one table for one backend. "real" needs root, cgroup v2 and a mounted resctrl; it
 * makes groups and cgroups of its own and removes them. See docs/performance.md.
 */

#include "bench.h"
#include "num.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

static void on_signal(int number)
{
	(void)number;
	bench_interrupted = 1;
}

static void first_line_after(const char *path, const char *key, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	char line[512];

	buf[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		const char *value = strchr(line, ':');

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		(void)snprintf(buf, size, "%.*s", (int)size - 1,
			       !*key   ? line
			       : value ? value + 2
				       : "");
		break;
	}
	if (f)
		(void)fclose(f);
}

static void describe_machine(struct bench *b, struct table *t)
{
	char cpu[128], load[64], rmids[32];
	struct utsname u = {0};

	(void)uname(&u);
	first_line_after("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	b->is_emulated = strstr(cpu, "TCG") != NULL;
	first_line_after("/proc/loadavg", "", load, sizeof(load));
	table_note(t, "Machine: %s, %ld CPUs, Linux %s, load %s.", cpu,
		   sysconf(_SC_NPROCESSORS_ONLN), u.release, load);
	first_line_after("/sys/fs/resctrl/info/L3_MON/num_rmids", "", rmids, sizeof(rmids));
	if (b->is_real)
		table_note(t,
			   "Floor: mkdir, open, write for each thread, close, rmdir in the same "
			   "resctrl tree (%s RMIDs),",
			   rmids);
	else
		table_note(t,
			   "Floor: the same calls on plain directories of a tmpfs; the simulated "
			   "backend itself makes none,");
	table_note(t,
		   "in a loop over the same tasks. Of events also a round trip to a process that "
		   "only answers.");
	table_note(t, "Of sums and waits the least of %u rounds is shown, on both sides.",
		   b->rounds);
}

static bool take_number(const char *text, unsigned *ret)
{
	uint64_t n;

	if (num_parse_u64(text, strlen(text), 4000, &n) < 0 || n == 0)
		return false;
	*ret = (unsigned)n;
	return true;
}

static bool take_backend(const char *text, bool *ret)
{
	*ret = strcmp(text, "real") == 0;
	return *ret || strcmp(text, "simulated") == 0;
}

static bool parse(struct bench *b, int argc, char **argv)
{
	static const struct option options[] = {
		{"daemon", required_argument, NULL, 'd'},
		{"resctrl", required_argument, NULL, 'r'},
		{"pods", required_argument, NULL, 'p'},
		{"sync-pods", required_argument, NULL, 's'},
		{"audit-pods", required_argument, NULL, 'a'},
		{0},
	};
	bool good = true;
	int c;

	while (good && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'd')
			b->daemon = optarg;
		else if (c == 'r')
			good = take_backend(optarg, &b->is_real);
		else if (c == 'p')
			good = take_number(optarg, &b->pods);
		else if (c == 's')
			good = take_number(optarg, &b->sync_pods);
		else if (c == 'a')
			good = take_number(optarg, &b->audit_pods);
		else
			good = false;
	}
	return good && b->daemon && optind == argc;
}

/* One RMID is the root's; a node that has fewer than asked for is measured with those. */
static int fit_to_kernel(struct bench *b, struct table *t, struct err *e)
{
	uint64_t rmids;
	char text[32];

	if (!b->is_real)
		return 0;
	first_line_after("/sys/fs/resctrl/info/L3_MON/num_rmids", "", text, sizeof(text));
	if (num_parse_u64(text, strlen(text), 1u << 20, &rmids) < 0 || rmids < 2)
		return err_set(e, -ENODEV, "no resctrl monitoring is mounted at /sys/fs/resctrl");
	b->rmids = (unsigned)rmids - 1;
	if (b->sync_pods > b->rmids) {
		table_note(t, "Only %u pods in the large Synchronize: there are no more RMIDs.",
			   b->rmids);
		b->sync_pods = b->rmids;
	}
	if (b->pods > b->rmids)
		b->pods = b->rmids;
	if (b->audit_pods > b->rmids)
		b->audit_pods = b->rmids;
	return 0;
}

static int make_scratch(struct bench *b, struct err *e)
{
	const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	(void)snprintf(b->dir, sizeof(b->dir), "%s/podresctrl-bench.XXXXXX", parent);
	if (!mkdtemp(b->dir))
		return err_sys(e, -errno, "mkdtemp '%s'", b->dir);
	return 0;
}

static int run(struct bench *b, struct table *t, struct err *e)
{
	int r = fit_to_kernel(b, t, e);

	if (r == 0) {
		describe_machine(b, t);
		(void)world_remove_groups(b); /* of a run that was killed */
		r = measure_events(b, t, e);
	}
	if (r == 0)
		r = measure_memory(b, t, e);
	if (r == 0)
		r = measure_publishing(b, t, e);
	if (r == 0)
		r = measure_synchronize(b, t, e);
	if (r == 0)
		r = measure_large(b, t, e);
	if (r == 0)
		r = measure_audit(b, t, e);
	if (r == 0)
		r = measure_scrape(b, t, e);
	if (r == 0)
		r = measure_decode(b, t, e);
	return r;
}

int main(int argc, char **argv)
{
	struct sigaction stop = {.sa_handler = on_signal};
	struct bench b = {.pods = 200, .sync_pods = 1000, .audit_pods = 250, .rounds = 3};
	struct table *t;
	struct err e = {0};
	int r;

	if (!parse(&b, argc, argv)) {
		(void)fprintf(stderr,
			      "usage: bench --daemon PATH --resctrl real|simulated [--pods N] "
			      "[--sync-pods N] [--audit-pods N]\n");
		return 2;
	}
	/* But for the scrape, nothing is served; and the usual place is one a machine. */
	scrape_enable(&b, false);
	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	t = table_new(b.is_real ? "podresctrld on the kernel's resctrl"
				: "podresctrld on the simulated backend");
	r = t ? make_scratch(&b, &e) : -ENOMEM;
	if (r == 0)
		r = run(&b, t, &e);
	if (t)
		table_print(t);
	if (r < 0)
		(void)fprintf(stderr, "bench: %s\n", e.msg);
	if (b.dir[0])
		remove_tree(b.dir);
	table_free(t);
	return r < 0;
}

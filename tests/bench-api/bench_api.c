/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The pod watch at full speed: the client and the publisher, as the daemon has them, against
 * a server in a child process that sends as fast as it is read. Says how many events of
 * 2 kB a second of processor time takes, how long the loop is held up at most by one turn
 * (which is what an NRI event may have to wait), and what a watched pod costs in memory.
 */

#include "k8s.h"
#include "publisher.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PODS         1000
#define ROUNDS       100
#define EVENTS       (PODS * ROUNDS)
#define EVENT_BYTES  2048
#define WANTED_RATE  10000 /* events a second on one core */
#define WANTED_TURN  5000  /* us */
#define WANTED_BYTES 1024  /* of memory per pod */

/* ---- the server, in a child ---- */

static void send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n <= 0)
			_exit(0);
		data += n;
		len -= (size_t)n;
	}
}

/* A pod's metadata as a real server sends it, padded with managedFields to the size wanted. */
static size_t put_pod(char *buf, unsigned pod, unsigned version)
{
	char pad[EVENT_BYTES];
	size_t len = (size_t)snprintf(
		buf, 2 * EVENT_BYTES,
		"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":"
		"{\"name\":\"web-7d4b9c6f5d-%05u\",\"generateName\":\"web-7d4b9c6f5d-\","
		"\"namespace\":\"shop-%u\",\"uid\":\"11111111-2222-4333-8444-%012u\","
		"\"resourceVersion\":\"%u\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\","
		"\"labels\":{\"app\":\"web\",\"pod-template-hash\":\"7d4b9c6f5d\"},"
		"\"annotations\":{\"prometheus.io/scrape\":\"true\",\"checksum/config\":"
		"\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"},"
		"\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"name\":"
		"\"web-7d4b9c6f5d\",\"uid\":\"aaaaaaaa-2222-4333-8444-555555555555\","
		"\"controller\":true,\"blockOwnerDeletion\":true}],\"managedFields\":[",
		pod, pod % 20, pod, version);

	/* One entry of many keys, as the kubelet's is. */
	size_t used = (size_t)snprintf(pad, sizeof(pad), "{\"manager\":\"kubelet\",\"fieldsV1\":{");
	for (unsigned i = 0; len + used + 60 < EVENT_BYTES; i++)
		used += (size_t)snprintf(pad + used, sizeof(pad) - used, "%s\"f:key%u\":{\".\":{}}",
					 i ? "," : "", i);
	return len + (size_t)snprintf(buf + len, EVENT_BYTES, "%s}}]}}", pad);
}

static void put_chunk(int fd, const char *data, size_t len)
{
	char head[32];
	int n = snprintf(head, sizeof(head), "%zx\r\n", len);

	send_all(fd, head, (size_t)n);
	send_all(fd, data, len);
	send_all(fd, "\r\n", 2);
}

static void put_list(int fd)
{
	char buf[3 * EVENT_BYTES];

	put_chunk(fd, buf,
		  (size_t)snprintf(buf, sizeof(buf),
				   "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":"
				   "\"meta.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"1\"},"
				   "\"items\":["));
	for (unsigned i = 0; i < PODS; i++) {
		size_t len = put_pod(buf, i, 1);

		if (i + 1 < PODS)
			buf[len++] = ',';
		put_chunk(fd, buf, len);
	}
	put_chunk(fd, "]}", 2);
	send_all(fd, "0\r\n\r\n", 5);
}

static void put_events(int fd)
{
	static char frame[16 * 3 * EVENT_BYTES];
	size_t used = 0;

	for (unsigned i = 0; i < EVENTS; i++) {
		used += (size_t)snprintf(frame + used, 64, "{\"type\":\"MODIFIED\",\"object\":");
		used += put_pod(frame + used, i % PODS, i + 2);
		used += (size_t)snprintf(frame + used, 4, "}\n");
		if (i % 16 == 15) {
			put_chunk(fd, frame, used);
			used = 0;
		}
	}
	if (used)
		put_chunk(fd, frame, used);
	pause();
}

static _Noreturn void serve(int listener)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";
	char request[8192];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		ssize_t n;

		while ((n = read(fd, request, sizeof(request) - 1)) > 0) {
			request[n] = '\0';
			send_all(fd, head, sizeof(head) - 1);
			if (strstr(request, "watch=1") || strstr(request, "watch=true"))
				put_events(fd);
			else
				put_list(fd);
		}
		close(fd);
	}
}

/* ---- the client's loop ---- */

static struct {
	int fds[16], wants[16];
	size_t nr;
	int64_t due_ms;
	unsigned events;
	bool synced;
} loop = {.due_ms = -1};

static uint64_t clock_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t now_ms(void *ctx)
{
	(void)ctx;
	return clock_us(CLOCK_MONOTONIC) / 1000;
}

static void watch_fd(void *ctx, int fd, int want)
{
	size_t i = 0;

	(void)ctx;
	while (i < loop.nr && loop.fds[i] != fd)
		i++;
	if (i == loop.nr && want)
		loop.nr++;
	loop.fds[i] = fd;
	loop.wants[i] = want;
	if (!want && i < loop.nr) {
		loop.nr--;
		loop.fds[i] = loop.fds[loop.nr];
		loop.wants[i] = loop.wants[loop.nr];
	}
}

static void set_timer(void *ctx, int64_t ms)
{
	loop.due_ms = ms < 0 ? -1 : (int64_t)now_ms(ctx) + ms;
}

static uint32_t random_u32(void *ctx)
{
	(void)ctx;
	return 1;
}

static int64_t wall_s(void *ctx)
{
	(void)ctx;
	return 1763600000;
}

static bool no_pod(void *ctx, const char *uid, struct core_pod_view *ret)
{
	(void)ctx;
	(void)uid;
	(void)ret;
	return false;
}

static void on_object(void *ctx, enum k8s_event_type type, const struct k8s_object_meta *meta)
{
	publisher_watch_ops.on_object(ctx, type, meta);
	loop.events += type == K8S_MODIFIED;
}

static void on_synced(void *ctx)
{
	publisher_watch_ops.on_synced(ctx);
	loop.synced = true;
}

/* One turn; returns the processor time it took, in us, without the waiting. */
static uint64_t turn(struct k8s_client *client, struct publisher *p)
{
	struct pollfd fds[16];
	size_t nr = loop.nr;
	uint64_t started;

	for (size_t i = 0; i < nr; i++)
		fds[i] = (struct pollfd){
			.fd = loop.fds[i],
			.events = (short)((loop.wants[i] & K8S_READ ? POLLIN : 0) |
					  (loop.wants[i] & K8S_WRITE ? POLLOUT : 0))};
	(void)poll(fds, nr, loop.due_ms >= 0 && (int64_t)now_ms(NULL) >= loop.due_ms ? 0 : 5);
	started = clock_us(CLOCK_THREAD_CPUTIME_ID);
	for (size_t i = 0; i < nr; i++)
		if (fds[i].revents)
			k8s_client_fd_ready(client, fds[i].fd,
					    (fds[i].revents & ~POLLOUT ? K8S_READ : 0) |
						    (fds[i].revents & POLLOUT ? K8S_WRITE : 0));
	if (loop.due_ms >= 0 && (int64_t)now_ms(NULL) >= loop.due_ms) {
		loop.due_ms = -1;
		k8s_client_timeout(client);
	}
	publisher_work(p, now_ms(NULL));
	return clock_us(CLOCK_THREAD_CPUTIME_ID) - started;
}

/* ---- the measurement ---- */

static int listen_on_loopback(uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 8) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -1;
	*port = ntohs(a.sin_port);
	return fd;
}

static void report(const char *what, double value, const char *unit, double wanted, bool is_min)
{
	bool good = is_min ? value >= wanted : value <= wanted;

	printf("%-52s %10.0f %-9s (%s %.0f) %s\n", what, value, unit,
	       is_min ? "at least" : "at most", wanted, good ? "reached" : "missed");
}

/* Negative when nothing could be measured. A figure that misses its aim is only printed. */
static int measure(struct k8s_client *client, struct publisher *p)
{
	static const struct k8s_watch_ops ops = {.on_object = on_object, .on_synced = on_synced};
	uint64_t longest = 0, used, t, list_longest = 0;
	size_t before, after;
	struct k8s_watch_spec spec;
	struct k8s_watch *w;

	publisher_watch_spec(p, &spec);
	if (k8s_watch_new(client, &spec, &ops, p, &w, NULL) < 0)
		return -1;
	before = mallinfo2().uordblks;
	while (!loop.synced) {
		t = turn(client, p);
		list_longest = t > list_longest ? t : list_longest;
	}
	while (loop.events < PODS)
		(void)turn(client, p);
	after = mallinfo2().uordblks;
	used = clock_us(CLOCK_THREAD_CPUTIME_ID);
	while (loop.events < EVENTS) {
		t = turn(client, p);
		longest = t > longest ? t : longest;
	}
	used = clock_us(CLOCK_THREAD_CPUTIME_ID) - used;
	report("watch events of 2 kB per second of one core", (EVENTS - PODS) * 1e6 / (double)used,
	       "events/s", WANTED_RATE, true);
	report("longest turn of the loop while they come", (double)longest, "us", WANTED_TURN,
	       false);
	printf("%-52s %10.1f us, once per list\n", "longest turn of a list, per pod in it",
	       (double)list_longest / PODS);
	/* The buffers of the open watch are in it, too. */
	report("memory per watched pod", (double)(after - before) / PODS, "bytes", WANTED_BYTES,
	       false);
	k8s_watch_free(w);
	return 0;
}

int main(void)
{
	static const struct k8s_loop_ops loop_ops = {.watch_fd = watch_fd,
						     .set_timer = set_timer,
						     .now_ms = now_ms,
						     .random = random_u32};
	static const struct publisher_core_ops core_ops = {.pod_view = no_pod};
	static const struct publisher_env env = {
		.now_ms = now_ms, .wall_s = wall_s, .random = random_u32};
	const struct publisher_config config = {.node_name = "n1"};
	struct publisher_deps deps = {.core = &core_ops, .client = &publisher_k8s_ops, .env = &env};
	struct k8s_client *client = NULL;
	struct k8s_config *cfg = NULL;
	struct publisher *p = NULL;
	char kubeconfig[512];
	uint16_t port;
	int listener = listen_on_loopback(&port), r = -1;
	pid_t child;

	if (listener < 0 || (child = fork()) < 0)
		return 1;
	if (child == 0)
		serve(listener);
	snprintf(kubeconfig, sizeof(kubeconfig),
		 "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
		 "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:%u'}}]\n",
		 port);
	if (k8s_config_parse(kubeconfig, strlen(kubeconfig), "bench", NULL, &cfg, NULL) == 0 &&
	    k8s_client_new(cfg, &loop_ops, NULL, &client, NULL) == 0) {
		deps.client_ctx = client;
		if (publisher_new(&config, &deps, &p, NULL) == 0)
			r = measure(client, p);
	}
	publisher_free(p);
	k8s_client_free(client);
	k8s_config_free(cfg);
	kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	return r < 0 ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A container runtime without containers: plays pods coming and going to whichever NRI
 * plugin connects, and keeps the cgroup and proc trees of a node that has them. Commands
 * come on standard input, one a line; each is answered with one line, "ok US" with the
 * microseconds the plugin took for all of its events (and what else was asked for), or
 * "error ...". A plugin may come and go at any time; each gets the current state.
 */

#include "fake_node.h"
#include "fake_runtime.h"
#include "list.h"
#include "num.h"
#include "strbuf.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX      10
#define LABELS_MAX     4
#define LINE_MAX_BYTES 4096
#define PATH_BYTES     1024
#define NAME_BYTES     256
#define PAUSE_THREADS  1
#define INIT_THREADS   1
#define THREADS_MAX    65536
#define WAIT_MS        10000

static const char usage[] =
	"usage: fake_runtime --socket PATH --state-dir DIR [--style rpc|statechange]\n"
	"commands, POD being NAMESPACE/NAME:\n"
	"  run-pod NAMESPACE NAME UID [K=V]... a pod sandbox; @K=V is an annotation\n"
	"  start POD CONTAINER [THREADS]     a new container, from create to running\n"
	"  exec POD CONTAINER [THREADS]      one more process in it; NRI says nothing of it\n"
	"  stop POD CONTAINER                all its processes end\n"
	"  remove POD CONTAINER\n"
	"  stop-pod POD\n"
	"  remove-pod POD                    with what is left in it\n"
	"  show POD CONTAINER                ok 0 ID PID\n"
	"  wait [MS]                         until a plugin is synchronized\n"
	"  drop                              close the plugin's connection\n"
	"  quit\n";

struct container {
	struct list link;
	char name[NAME_BYTES], id[65], cgroup[PATH_BYTES];
	uint32_t pid;
	enum nri_container_state state;
};

struct pod {
	struct list link, containers;
	char namespace_[NAME_BYTES], name[NAME_BYTES], uid[NAME_BYTES], id[65];
	char cgroup_parent[PATH_BYTES], cgroup[PATH_BYTES];
	uint32_t pid;
	char pairs[LABELS_MAX][2 * NAME_BYTES]; /* what the two point to */
	struct nri_kv labels[LABELS_MAX], annotations[LABELS_MAX];
	size_t nr_pairs, nr_labels, nr_annotations;
};

struct program {
	struct fake_runtime *fr;
	struct fake_node *node;
	struct list pods;
	unsigned nr_ids;
	uint64_t latency_us; /* of the command that is being carried out */
	struct err trouble;  /* with the plugin meanwhile; code 0 for none */
	bool is_quitting;
};

/* ---- what there is ---- */

static struct nri_pod describe_pod(const struct pod *pod)
{
	return (struct nri_pod){
		.id = pod->id,
		.name = pod->name,
		.uid = pod->uid,
		.namespace_ = pod->namespace_,
		.cgroup_parent = pod->cgroup_parent,
		.cgroups_path = pod->cgroup,
		.pid = pod->pid,
		.labels = pod->labels,
		.nr_labels = pod->nr_labels,
		.annotations = pod->annotations,
		.nr_annotations = pod->nr_annotations,
	};
}

static struct nri_container describe_container(const struct pod *pod, const struct container *ctr)
{
	return (struct nri_container){
		.id = ctr->id,
		.pod_sandbox_id = pod->id,
		.name = ctr->name,
		.cgroups_path = ctr->cgroup,
		.state = ctr->state,
		.pid = ctr->pid,
	};
}

/* Ids look like a real runtime's: 64 hexadecimal digits. */
static void make_id(struct program *pr, char id[65])
{
	uint64_t x = ++pr->nr_ids;

	for (int i = 0; i < 4; i++) {
		x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u + 0x9e3779b97f4a7c15u;
		(void)snprintf(id + 16 * i, 17, "%016llx", (unsigned long long)x);
	}
}

static struct pod *find_pod(struct program *pr, const char *namespace_and_name, struct err *e)
{
	list_for_each (it, &pr->pods) {
		struct pod *pod = list_entry(it, struct pod, link);
		char text[2 * NAME_BYTES];

		(void)snprintf(text, sizeof(text), "%s/%s", pod->namespace_, pod->name);
		if (strcmp(text, namespace_and_name) == 0)
			return pod;
	}
	(void)err_set(e, -ENOENT, "no pod '%s'", namespace_and_name);
	return NULL;
}

/* The newest of that name; a restarted container keeps its name. */
static struct container *find_container(struct pod *pod, const char *name, struct err *e)
{
	struct container *found = NULL;

	list_for_each (it, &pod->containers) {
		struct container *ctr = list_entry(it, struct container, link);

		if (strcmp(ctr->name, name) == 0)
			found = ctr;
	}
	if (!found)
		(void)err_set(e, -ENOENT, "no container '%s'", name);
	return found;
}

static bool is_good_name(const char *name)
{
	return name[0] && name[0] != '.' && strlen(name) < NAME_BYTES && !strchr(name, '/');
}

/* ---- telling the plugin ---- */

/*
 * The node's life goes on whatever the plugin does, as with a real runtime; what went
 * wrong with it is kept for the command's answer.
 */
static void tell(struct program *pr, enum nri_event event, const struct pod *pod,
		 const struct container *ctr)
{
	struct nri_pod p = describe_pod(pod);
	struct nri_container c = {0};
	struct fake_runtime_result result;
	struct err e = {0};

	if (ctr)
		c = describe_container(pod, ctr);
	if (fake_runtime_event(pr->fr, event, &p, ctr ? &c : NULL, &result, &e) < 0)
		err_prefix(&e, "%s", nri_event_name(event));
	else if (result.code)
		(void)err_set(&e, -EREMOTEIO, "%s: the plugin answered with code %d",
			      nri_event_name(event), (int)result.code);
	pr->latency_us += result.latency_us;
	if (e.code && !pr->trouble.code)
		pr->trouble = e;
}

static size_t count_containers(const struct program *pr, size_t *ret_nr_pods)
{
	size_t nr = 0, nr_pods = 0;

	list_for_each (it, &pr->pods) {
		const struct pod *pod = list_entry(it, struct pod, link);

		nr_pods++;
		list_for_each (jt, &pod->containers)
			nr++;
	}
	*ret_nr_pods = nr_pods;
	return nr;
}

/* A plugin has connected: register it and give it all there is. */
static int greet(struct program *pr, struct err *e)
{
	size_t nr_pods, nr = count_containers(pr, &nr_pods), p = 0, c = 0;
	AUTO_FREE struct nri_container *ctrs = calloc(nr + 1, sizeof(*ctrs));
	AUTO_FREE struct nri_pod *pods = calloc(nr_pods + 1, sizeof(*pods));

	if (!pods || !ctrs)
		return err_set(e, -ENOMEM, "out of memory");
	list_for_each (it, &pr->pods) {
		const struct pod *pod = list_entry(it, struct pod, link);

		pods[p++] = describe_pod(pod);
		list_for_each (jt, &pod->containers) {
			const struct container *ctr = list_entry(jt, struct container, link);

			if (ctr->state != NRI_CONTAINER_STOPPED)
				ctrs[c++] = describe_container(pod, ctr);
		}
	}
	return fake_runtime_handshake(pr->fr, pods, p, ctrs, c, e);
}

/* ---- commands ---- */

/* "key=value" is a label, "@key=value" an annotation. */
static int add_pair(struct pod *pod, const char *word, struct err *e)
{
	bool is_annotation = *word == '@';
	char *key, *value;

	word += is_annotation;
	if (pod->nr_pairs == LABELS_MAX || !strchr(word, '='))
		return err_set(e, -EINVAL, "want at most %d of KEY=VALUE", LABELS_MAX);
	key = pod->pairs[pod->nr_pairs++];
	(void)snprintf(key, sizeof(pod->pairs[0]), "%s", word);
	value = strchr(key, '=');
	if (!value)
		return err_set(e, -EINVAL, "a pair is too long");
	*value++ = '\0';
	if (is_annotation)
		pod->annotations[pod->nr_annotations++] = (struct nri_kv){key, value};
	else
		pod->labels[pod->nr_labels++] = (struct nri_kv){key, value};
	return 0;
}

static int run_pod(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	struct pod *pod;
	int r = 0;

	(void)out;
	if (nr < 3 || !is_good_name(word[0]) || !is_good_name(word[1]) || !is_good_name(word[2]))
		return err_set(e, -EINVAL, "want NAMESPACE NAME UID [KEY=VALUE]...");
	pod = calloc(1, sizeof(*pod));
	if (!pod)
		return err_set(e, -ENOMEM, "out of memory");
	(void)snprintf(pod->namespace_, sizeof(pod->namespace_), "%s", word[0]);
	(void)snprintf(pod->name, sizeof(pod->name), "%s", word[1]);
	(void)snprintf(pod->uid, sizeof(pod->uid), "%s", word[2]);
	make_id(pr, pod->id);
	(void)snprintf(pod->cgroup_parent, sizeof(pod->cgroup_parent), "/kubepods/pod%s", pod->uid);
	(void)snprintf(pod->cgroup, sizeof(pod->cgroup), "/kubepods/pod%s/%s", pod->uid, pod->id);
	for (int i = 3; r == 0 && i < nr; i++)
		r = add_pair(pod, word[i], e);
	if (r < 0) {
		free(pod);
		return r;
	}
	list_init(&pod->containers);
	list_append(&pr->pods, &pod->link);
	r = fake_node_add_cgroup(pr->node, pod->cgroup, e);
	if (r == 0)
		r = fake_node_add_process(pr->node, pod->cgroup, PAUSE_THREADS, &pod->pid, e);
	if (r == 0)
		tell(pr, NRI_RUN_POD_SANDBOX, pod, NULL);
	return r;
}

static int parse_threads(const char *word, uint64_t *ret, struct err *e)
{
	*ret = INIT_THREADS;
	if (word && (num_parse_u64(word, strlen(word), THREADS_MAX, ret) < 0 || *ret == 0))
		return err_set(e, -EINVAL, "'%s' threads: want 1 to %d", word, THREADS_MAX);
	return 0;
}

static int new_container(struct program *pr, struct pod *pod, const char *name, unsigned threads,
			 struct container **ret, struct err *e)
{
	struct container *ctr = calloc(1, sizeof(*ctr));
	int r;

	if (!ctr)
		return err_set(e, -ENOMEM, "out of memory");
	(void)snprintf(ctr->name, sizeof(ctr->name), "%s", name);
	make_id(pr, ctr->id);
	(void)snprintf(ctr->cgroup, sizeof(ctr->cgroup), "/kubepods/pod%s/%s", pod->uid, ctr->id);
	list_append(&pod->containers, &ctr->link);
	*ret = ctr;
	tell(pr, NRI_CREATE_CONTAINER, pod, ctr);
	tell(pr, NRI_POST_CREATE_CONTAINER, pod, ctr);
	r = fake_node_add_cgroup(pr->node, ctr->cgroup, e);
	if (r == 0)
		r = fake_node_add_process(pr->node, ctr->cgroup, threads, &ctr->pid, e);
	ctr->state = NRI_CONTAINER_CREATED;
	return r;
}

static int start(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	struct container *ctr = NULL;
	struct pod *pod;
	uint64_t threads;
	int r;

	(void)out;
	if (nr < 2 || nr > 3 || !is_good_name(word[1]))
		return err_set(e, -EINVAL, "want POD CONTAINER [THREADS]");
	pod = find_pod(pr, word[0], e);
	if (!pod)
		return -ENOENT;
	r = parse_threads(nr == 3 ? word[2] : NULL, &threads, e);
	if (r == 0)
		r = new_container(pr, pod, word[1], (unsigned)threads, &ctr, e);
	if (r < 0)
		return r;
	tell(pr, NRI_START_CONTAINER, pod, ctr);
	ctr->state = NRI_CONTAINER_RUNNING;
	tell(pr, NRI_POST_START_CONTAINER, pod, ctr);
	return 0;
}

static int find_both(struct program *pr, char **word, int nr, struct pod **pod,
		     struct container **ctr, struct err *e)
{
	if (nr < 2)
		return err_set(e, -EINVAL, "want POD CONTAINER");
	*pod = find_pod(pr, word[0], e);
	*ctr = *pod ? find_container(*pod, word[1], e) : NULL;
	return *ctr ? 0 : -ENOENT;
}

static int exec_process(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	struct container *ctr;
	struct pod *pod;
	uint64_t threads;
	uint32_t pid;
	int r = find_both(pr, word, nr, &pod, &ctr, e);

	if (r == 0)
		r = parse_threads(nr == 3 ? word[2] : NULL, &threads, e);
	if (r == 0)
		r = fake_node_add_process(pr->node, ctr->cgroup, (unsigned)threads, &pid, e);
	if (r == 0)
		(void)strbuf_addf(out, " %u", pid);
	return r;
}

static int stop_container(struct program *pr, struct pod *pod, struct container *ctr, struct err *e)
{
	int r;

	if (ctr->state == NRI_CONTAINER_STOPPED)
		return 0;
	r = fake_node_end_processes(pr->node, ctr->cgroup, e);
	ctr->state = NRI_CONTAINER_STOPPED;
	tell(pr, NRI_STOP_CONTAINER, pod, ctr);
	return r;
}

static int remove_container(struct program *pr, struct pod *pod, struct container *ctr,
			    struct err *e)
{
	int r = stop_container(pr, pod, ctr, e);

	if (r == 0)
		r = fake_node_remove_cgroup(pr->node, ctr->cgroup, e);
	if (r < 0)
		return r;
	tell(pr, NRI_REMOVE_CONTAINER, pod, ctr);
	list_del(&ctr->link);
	free(ctr);
	return 0;
}

static int stop(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	struct container *ctr;
	struct pod *pod;
	int r = find_both(pr, word, nr, &pod, &ctr, e);

	(void)out;
	return r < 0 ? r : stop_container(pr, pod, ctr, e);
}

static int remove_one(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	struct container *ctr;
	struct pod *pod;
	int r = find_both(pr, word, nr, &pod, &ctr, e);

	(void)out;
	return r < 0 ? r : remove_container(pr, pod, ctr, e);
}

static int stop_sandbox(struct program *pr, struct pod *pod, struct err *e)
{
	int r = 0;

	list_for_each (it, &pod->containers) {
		if (r == 0)
			r = stop_container(pr, pod, list_entry(it, struct container, link), e);
	}
	if (r < 0 || pod->pid == 0)
		return r;
	pod->pid = 0;
	r = fake_node_end_processes(pr->node, pod->cgroup, e);
	tell(pr, NRI_STOP_POD_SANDBOX, pod, NULL);
	return r;
}

static int stop_pod(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	struct pod *pod = nr == 1 ? find_pod(pr, word[0], e) : NULL;

	(void)out;
	return pod ? stop_sandbox(pr, pod, e) : -ENOENT;
}

static int remove_pod(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	struct pod *pod = nr == 1 ? find_pod(pr, word[0], e) : NULL;
	int r;

	(void)out;
	if (!pod)
		return -ENOENT;
	r = stop_sandbox(pr, pod, e);
	list_for_each_safe (it, next, &pod->containers) {
		if (r == 0)
			r = remove_container(pr, pod, list_entry(it, struct container, link), e);
	}
	if (r == 0)
		r = fake_node_remove_cgroup(pr->node, pod->cgroup, e);
	if (r == 0)
		r = fake_node_remove_cgroup(pr->node, pod->cgroup_parent, e);
	if (r < 0)
		return r;
	tell(pr, NRI_REMOVE_POD_SANDBOX, pod, NULL);
	list_del(&pod->link);
	free(pod);
	return 0;
}

static int show(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	struct container *ctr;
	struct pod *pod;
	int r = find_both(pr, word, nr, &pod, &ctr, e);

	if (r == 0)
		(void)strbuf_addf(out, " %s %u", ctr->id, ctr->pid);
	return r;
}

static int wait_plugin(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	uint64_t wait_ms = WAIT_MS;
	int r;

	(void)out;
	if (nr == 1 && num_parse_u64(word[0], strlen(word[0]), 3600000, &wait_ms) < 0)
		return err_set(e, -EINVAL, "want milliseconds");
	if (!fake_runtime_is_lost(pr->fr))
		return 0;
	r = fake_runtime_accept(pr->fr, wait_ms, e);
	return r < 0 ? r : greet(pr, e);
}

static int drop(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	(void)word;
	(void)nr;
	(void)out;
	(void)e;
	fake_runtime_disconnect(pr->fr);
	return 0;
}

static int quit(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	(void)word;
	(void)nr;
	(void)out;
	(void)e;
	pr->is_quitting = true;
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e);
} commands[] = {
	{"run-pod", run_pod},
	{"start", start},
	{"exec", exec_process},
	{"stop", stop},
	{"remove", remove_one},
	{"stop-pod", stop_pod},
	{"remove-pod", remove_pod},
	{"show", show},
	{"wait", wait_plugin},
	{"drop", drop},
	{"quit", quit},
};

static int run_command(struct program *pr, char **word, int nr, struct strbuf *out, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, word[0]) == 0)
			return commands[i].run(pr, word + 1, nr - 1, out, e);
	}
	return err_set(e, -EINVAL, "unknown command '%s'", word[0]);
}

static void run_line(struct program *pr, char *line)
{
	struct err e = {0};
	AUTO_STRBUF struct strbuf out;
	char *word[WORDS_MAX], *rest = NULL;
	int nr = 0, r;

	for (char *w = strtok_r(line, " \t\r", &rest); w && nr < WORDS_MAX;
	     w = strtok_r(NULL, " \t\r", &rest))
		word[nr++] = w;
	if (nr == 0)
		return;
	strbuf_init(&out, LINE_MAX_BYTES);
	pr->latency_us = 0;
	pr->trouble = (struct err){0};
	r = run_command(pr, word, nr, &out, &e);
	if (r < 0)
		printf("error %s\n", e.msg[0] ? e.msg : err_name(r));
	else if (pr->trouble.code)
		printf("error %s\n", pr->trouble.msg);
	else
		printf("ok %llu%s\n", (unsigned long long)pr->latency_us, strbuf_str(&out));
	(void)fflush(stdout);
}

/* ---- the loop ---- */

/* Run the lines that are whole; false at the end of the input. */
static bool read_commands(struct program *pr, struct strbuf *in)
{
	char buf[LINE_MAX_BYTES];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
	char *end;

	if (n <= 0 || strbuf_add(in, buf, (size_t)n) < 0)
		return false;
	while (!pr->is_quitting && (end = memchr(in->data, '\n', in->len))) {
		*end = '\0';
		run_line(pr, in->data);
		strbuf_consume(in, (size_t)(end - in->data) + 1);
	}
	return !pr->is_quitting;
}

static void accept_plugin(struct program *pr)
{
	struct err e = {0};

	if (fake_runtime_accept(pr->fr, 0, &e) < 0 || greet(pr, &e) < 0)
		(void)fprintf(stderr, "fake_runtime: %s\n", e.msg);
	else
		(void)fprintf(stderr, "fake_runtime: plugin %s-%s synchronized\n",
			      fake_runtime_plugin(pr->fr)->index,
			      fake_runtime_plugin(pr->fr)->name);
}

static void loop(struct program *pr)
{
	AUTO_STRBUF struct strbuf in;
	bool is_open = true;

	strbuf_init(&in, 1u << 20);
	while (is_open) {
		struct pollfd p[] = {
			{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = fake_runtime_listen_fd(pr->fr), .events = POLLIN},
			{.fd = fake_runtime_fd(pr->fr), .events = POLLIN},
		};

		if (poll(p, ARRAY_LEN(p), -1) < 0)
			break;
		if (p[2].revents && fake_runtime_is_lost(pr->fr))
			(void)fprintf(stderr, "fake_runtime: the plugin hung up\n");
		if (p[1].revents)
			accept_plugin(pr);
		if (p[0].revents)
			is_open = read_commands(pr, &in);
	}
}

static void free_pods(struct program *pr)
{
	list_for_each_safe (it, next, &pr->pods) {
		struct pod *pod = list_entry(it, struct pod, link);

		list_for_each_safe (jt, jnext, &pod->containers)
			free(list_entry(jt, struct container, link));
		free(pod);
	}
}

static int run(const char *socket, const char *state_dir, enum fake_runtime_style style)
{
	struct fake_runtime_options options = {.style = style};
	struct program pr = {0};
	struct err e = {0};
	int r;

	list_init(&pr.pods);
	r = fake_node_new(state_dir, &pr.node, &e);
	if (r == 0)
		r = fake_runtime_new(socket, &options, &pr.fr, &e);
	if (r == 0)
		loop(&pr);
	else
		(void)fprintf(stderr, "fake_runtime: %s\n", e.msg);
	fake_runtime_free(pr.fr);
	fake_node_free(pr.node);
	free_pods(&pr);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int bad_usage(void)
{
	(void)fputs(usage, stderr);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"state-dir", required_argument, NULL, 'd'},
		{"style", required_argument, NULL, 'y'},
		{0},
	};
	enum fake_runtime_style style = FAKE_RUNTIME_RPC;
	const char *socket = NULL, *state_dir = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			socket = optarg;
		else if (c == 'd')
			state_dir = optarg;
		else if (c == 'y' && strcmp(optarg, "statechange") == 0)
			style = FAKE_RUNTIME_STATE_CHANGE;
		else if (c != 'y' || strcmp(optarg, "rpc") != 0)
			return bad_usage();
	}
	if (!socket || !state_dir || optind != argc)
		return bad_usage();
	(void)signal(SIGPIPE, SIG_IGN);
	return run(socket, state_dir, style);
}

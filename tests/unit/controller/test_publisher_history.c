/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Random histories: pods come, change, go and come again under the same names, the server
 * fails in every way, objects are removed and squatted on, the daemon restarts. However it
 * went, once all is calm the server has exactly what the core says.
 */

#include "fake_publisher_world.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAMES 8
#define STEPS 200
#define SEEDS 300

static struct pw *w;
static uint32_t lcg;

struct name {
	struct pw_pod *pod; /* of the core; NULL: none */
	bool watched;       /* the API has the pod */
	bool forgotten;     /* the daemon restarted after it died: the cluster cleans up */
	char uid[64], name[16];
	char token[16];
	unsigned births;
};

static struct name names[NAMES];

static unsigned rnd(unsigned n)
{
	lcg = lcg * 1664525u + 1013904223u;
	return (lcg >> 8) % n;
}

static void show(struct name *n, enum k8s_event_type type)
{
	pw_watch(w, type, "shop", n->name, n->uid, NULL, n->token[0] ? n->token : NULL);
	n->watched = type != K8S_DELETED;
}

static void be_born(struct name *n)
{
	snprintf(n->uid, sizeof(n->uid), "uid-%d-%u", (int)(n - names), ++n->births);
	n->token[0] = '\0';
	n->forgotten = false;
	if (rnd(4) == 0)
		snprintf(n->token, sizeof(n->token), "template");
	if (rnd(2)) {
		show(n, K8S_ADDED);
		n->pod = pw_core_pod(w, "shop", n->name, n->uid, rnd(3));
	} else {
		n->pod = pw_core_pod(w, "shop", n->name, n->uid, rnd(3));
		pw_run(w, rnd(2000));
		show(n, K8S_ADDED);
	}
}

static void die(struct name *n)
{
	if (rnd(2))
		show(n, K8S_DELETED);
	pw_core_removed(w, n->pod);
	n->pod = NULL;
	pw_run(w, rnd(500));
	if (n->watched)
		show(n, K8S_DELETED);
}

static void change(struct name *n)
{
	n->pod->total = rnd(4);
	n->pod->reconciled = n->pod->total ? rnd(n->pod->total + 1) : 0;
	n->pod->reason = n->pod->reconciled == n->pod->total ? "AllAssigned" : "Partial";
	n->pod->group_state = rnd(5) ? CORE_GROUP_EXISTS : CORE_GROUP_FAILED;
	pw_core_changed(w, n->pod);
}

static void disturb(const struct name *n)
{
	static const struct {
		int rc, http_status;
	} faults[] = {
		{-ECONNREFUSED, 0}, {-ETIMEDOUT, 0}, {-EIO, 0},        {-EIO, 500},
		{-EPERM, 401},      {-EACCES, 403},  {-EAGAIN, 429},   {-EAGAIN, 503},
		{-EINVAL, 422},     {-EPROTO, 200},  {-EMSGSIZE, 200}, {-ESTALE, 409},
	};
	unsigned i = rnd(sizeof(faults) / sizeof(faults[0]));

	if (rnd(3) == 0 && pw_object(w, n->name)) {
		pw_delete_object(w, n->name);
		return;
	}
	if (rnd(3) == 0 && !pw_object(w, n->name)) {
		pw_add_object(w, "shop", n->name, "uid-dead", WORLD_NODE);
		return;
	}
	w->fault = (struct pw_fault){
		.times = (int)rnd(4) + 1,
		.verb = (enum publisher_verb)rnd(PUBLISHER_VERB_MAX + 1),
		.rc = faults[i].rc,
		.http_status = faults[i].http_status,
		.carried_out = faults[i].rc == -EIO || faults[i].rc == -ETIMEDOUT ? rnd(2) : 0,
	};
}

static void restart(void)
{
	while (w->nr_calls)
		pw_run(w, WORLD_LATENCY);
	pw_restart(w, NULL);
	for (int i = 0; i < NAMES; i++) {
		names[i].forgotten |= !names[i].pod;
		if (names[i].watched)
			show(&names[i], K8S_ADDED);
		if (names[i].pod)
			pw_core_changed(w, names[i].pod);
	}
	pw_synced(w);
}

static void step(void)
{
	struct name *n = &names[rnd(NAMES)];

	switch (rnd(8)) {
	case 0:
	case 1:
		if (n->pod)
			die(n);
		else
			be_born(n);
		break;
	case 2:
	case 3:
		if (n->pod)
			change(n);
		break;
	case 4:
		if (!n->watched)
			break;
		snprintf(n->token, sizeof(n->token), "t%u", rnd(1000));
		show(n, K8S_MODIFIED);
		break;
	case 5:
		disturb(n);
		break;
	case 6:
		if (rnd(4) == 0)
			restart();
		break;
	default:
		break;
	}
	pw_run(w, rnd(4) ? rnd(300) : rnd(20000));
}

/* What was written, in the words of the status. */
static void expect(const struct name *n, uint32_t seed)
{
	const struct pw_object *o = pw_object(w, n->name);
	char want[128];

	ck_assert_msg(o, "seed %u: %s has no object", seed, n->name);
	ck_assert_msg(strcmp(o->pod_uid, n->uid) == 0, "seed %u: %s is of %s", seed, n->name,
		      o->pod_uid);
	snprintf(want, sizeof(want), "\"containersReady\": \"%u\\/%u\"", n->pod->reconciled,
		 n->pod->total);
	ck_assert_msg(o->status && strstr(o->status, want), "seed %u: %s: no %s in %s", seed,
		      n->name, want, o->status ? o->status : "(none)");
	snprintf(want, sizeof(want), "\"token\": \"%s\"", n->token);
	ck_assert_msg(!n->token[0] || strstr(o->status, want), "seed %u: %s: no %s in %s", seed,
		      n->name, want, o->status);
}

/* The pod is gone; what is there under its name was put there by others. */
static void expect_none(const struct name *n, uint32_t seed)
{
	const struct pw_object *o = pw_object(w, n->name);

	ck_assert_msg(!o || n->forgotten || strcmp(o->pod_uid, "uid-dead") == 0,
		      "seed %u: %s was left behind by %s", seed, n->name, o ? o->pod_uid : "");
}

START_TEST(whatever_happened_the_server_has_what_the_core_says)
{
	for (uint32_t seed = (uint32_t)_i * 100; seed < (uint32_t)_i * 100 + 100; seed++) {
		struct publisher_stats stats;

		lcg = seed;
		w = pw_new(NULL);
		pw_synced(w);
		memset(names, 0, sizeof(names));
		for (int i = 0; i < NAMES; i++)
			snprintf(names[i].name, sizeof(names[i].name), "p-%d", i);
		for (int i = 0; i < STEPS; i++)
			step();
		w->fault.times = 0;
		/* A removed object shows only when something is to be written. */
		for (int i = 0; i < NAMES; i++)
			if (names[i].pod) {
				change(&names[i]);
				pw_run(w, 700000);
				names[i].pod->total += 4;
				pw_core_changed(w, names[i].pod);
			}
		pw_run(w, 3600000);
		for (int i = 0; i < NAMES; i++)
			if (names[i].pod && names[i].watched)
				expect(&names[i], seed);
			else
				expect_none(&names[i], seed);
		publisher_get_stats(w->p, &stats);
		ck_assert_msg(stats.waiting == 0, "seed %u: %zu wait", seed, stats.waiting);
		pw_free(w);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("publisher histories");
	TCase *t = tcase_create("random");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, whatever_happened_the_server_has_what_the_core_says, 0, SEEDS / 100);
	suite_add_tcase(s, t);
	return s;
}

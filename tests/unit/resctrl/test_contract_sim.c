/* SPDX-License-Identifier: Apache-2.0 */

/* The contract suite on the simulated tree: as a recent kernel, and as an old one. */

#include "unit/runner.h"

#include "contract/contract.h"
#include "resctrl_sim.h"

#include <errno.h>
#include <string.h>

#define SELF  100
#define TASKS 4096

/* Tasks that exist: a process table as plain as can be. */
struct sim_world {
	struct rs_sim *sim;
	bool exists[TASKS];
	pid_t next;
};

static bool task_exists(void *ctx, pid_t tid)
{
	const struct sim_world *w = ctx;

	return tid > 0 && tid < TASKS && w->exists[tid];
}

static pid_t new_task(struct sim_world *w)
{
	ck_assert_int_lt(w->next, TASKS);
	w->exists[w->next] = true;
	return w->next++;
}

static pid_t sim_spawn(void *ctx)
{
	return new_task(ctx);
}

static pid_t sim_fork(void *ctx, pid_t parent)
{
	struct sim_world *w = ctx;
	pid_t child = new_task(w);

	ck_assert_int_eq(rs_sim_fork(w->sim, parent, child), 0);
	return child;
}

static void sim_kill(void *ctx, pid_t tid)
{
	struct sim_world *w = ctx;

	w->exists[tid] = false;
	rs_sim_exit(w->sim, tid);
}

static void sim_reset(void *ctx)
{
	struct sim_world *w = ctx;

	for (pid_t tid = SELF + 1; tid < w->next; tid++)
		sim_kill(w, tid);
}

static void sim_wait_ms(void *ctx, unsigned ms)
{
	struct sim_world *w = ctx;

	rs_sim_advance(w->sim, ms);
}

static void sim_run(void *ctx, pid_t tid)
{
	(void)tid;
	sim_wait_ms(ctx, 10);
}

static void run_case(size_t i, bool old_kernel)
{
	struct sim_world world = {.next = SELF + 1, .exists = {[SELF] = true}};
	const struct rs_sim_config config = {
		.rmids = 32,
		.closids = 16,
		.limbo_ms = 3000,
		.task_exists = task_exists,
		.ctx = &world,
		.self = SELF,
		.no_task_lists = old_kernel,
		.no_rename = old_kernel,
	};
	struct rs_sim_usage usage;
	char msg[CONTRACT_MSG_MAX];
	enum contract_result r;

	ck_assert_int_eq(rs_sim_new(&config, &world.sim, NULL), 0);
	const struct contract_world w = {
		.ops = &rs_sim_ops,
		.fs = world.sim,
		.spawn = sim_spawn,
		.fork = sim_fork,
		.thread = sim_fork,
		.run = sim_run,
		.kill = sim_kill,
		.reset = sim_reset,
		.wait_ms = sim_wait_ms,
		.self = SELF,
		.ctx = &world,
	};
	r = contract_run(i, &w, msg);
	rs_sim_usage(world.sim, &usage);
	rs_sim_free(world.sim);
	ck_assert_msg(r == CONTRACT_PASSED || (old_kernel && r == CONTRACT_SKIPPED), "%s: %s",
		      contract_name(i), msg);
	ck_assert_uint_eq(usage.open_handles, 0);
	ck_assert_uint_eq(usage.groups, 0);
	ck_assert(!usage.locked);
}

START_TEST(contract_holds_on_a_simulated_recent_kernel)
{
	run_case((size_t)_i, false);
}
END_TEST

START_TEST(contract_holds_on_a_simulated_old_kernel)
{
	run_case((size_t)_i, true);
}
END_TEST

START_TEST(the_simulation_shows_the_features_it_was_given)
{
	struct sim_world world = {.next = SELF + 1, .exists = {[SELF] = true}};
	const struct rs_sim_config config = {.self = SELF, .no_task_lists = _i, .no_rename = _i};
	struct contract_features can;

	ck_assert_int_eq(rs_sim_new(&config, &world.sim, NULL), 0);
	const struct contract_world w = {.ops = &rs_sim_ops, .fs = world.sim, .self = SELF};
	can = contract_features(&w);
	rs_sim_free(world.sim);
	ck_assert(can.task_lists == !_i);
	ck_assert(can.rename == !_i);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("resctrl contract on the simulated tree");
	TCase *tc = tcase_create("contract");

	tcase_add_loop_test(tc, contract_holds_on_a_simulated_recent_kernel, 0, (int)contract_nr());
	tcase_add_loop_test(tc, contract_holds_on_a_simulated_old_kernel, 0, (int)contract_nr());
	tcase_add_loop_test(tc, the_simulation_shows_the_features_it_was_given, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Shared with the forked children in which the tests run. */
static int *nr_skipped;

void skip_test(const char *test, const char *why)
{
	__atomic_add_fetch(nr_skipped, 1, __ATOMIC_SEQ_CST);
	printf("skipped: %s (%s)\n", test, why);
	fflush(stdout);
}

/* A test that hangs is ended; one that is slow, on a machine with other work, is not. */
#define TIMEOUT_S "60"

int main(void)
{
	SRunner *sr;
	int failed, ran;

	(void)setenv("CK_DEFAULT_TIMEOUT", TIMEOUT_S, 0);
	sr = srunner_create(suite());
	nr_skipped = mmap(NULL, sizeof(*nr_skipped), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (nr_skipped == MAP_FAILED)
		return EXIT_FAILURE;
	srunner_run_all(sr, getenv("CK_VERBOSITY") ? CK_ENV : CK_MINIMAL);
	failed = srunner_ntests_failed(sr);
	ran = srunner_ntests_run(sr);
	if (failed)
		srunner_print(sr, CK_NORMAL);
	printf("RESULT %d %d %d\n", ran - failed - *nr_skipped, failed, *nr_skipped);
	srunner_free(sr);
	return failed || ran == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

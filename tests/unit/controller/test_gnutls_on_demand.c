/* SPDX-License-Identifier: Apache-2.0 */

/* GnuTLS is loaded with our libraries, is not set up by that, and is when it is asked for. */

#include "unit/runner.h"

#include <dlfcn.h>

int gnutls_global_init(void);

static int make_certificate(void)
{
	int (*init)(void **) = NULL;
	void (*deinit)(void *) = NULL;
	void *certificate = NULL;
	int r;

	*(void **)&init = dlsym(RTLD_DEFAULT, "gnutls_x509_crt_init");
	*(void **)&deinit = dlsym(RTLD_DEFAULT, "gnutls_x509_crt_deinit");
	ck_assert_msg(init && deinit,
		      "libgnutls is not loaded: is gnutls_on_demand.c still needed?");
	r = init(&certificate);
	if (r == 0)
		deinit(certificate);
	return r;
}

/* A certificate needs the tables that its initialization makes. */
START_TEST(is_set_up_by_who_asks_only)
{
	ck_assert_int_lt(make_certificate(), 0);
	ck_assert_int_eq(gnutls_global_init(), 0);
	ck_assert_int_eq(make_certificate(), 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("gnutls_on_demand");
	TCase *tc = tcase_create("gnutls_on_demand");

	tcase_add_test(tc, is_set_up_by_who_asks_only);
	suite_add_tcase(s, tc);
	return s;
}

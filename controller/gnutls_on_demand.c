/* SPDX-License-Identifier: Apache-2.0 */

/*
 * GnuTLS comes with Debian's libcurl (for RTMP and LDAP) and with libmicrohttpd, and nothing of
 * ours uses it: TLS to the API server is that of the library libcurl was built with, and what we
 * serve is plain HTTP. It would set itself up all the same when it is loaded, in 0.13 MB that
 * stay, once by its own constructor and once by libmicrohttpd's. Here both leave it; whoever calls
 * gnutls_global_init() once the program runs, as libcurl, librtmp and libldap do before they use
 * it, gets it.
 *
 * The linker exports both functions (see the Makefile), which makes them come before the
 * library's own. Without that, or without GnuTLS, they do nothing. A GnuTLS that is loaded later
 * sets itself up as it would have.
 */

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

/* As in gnutls.h, which need not be there. */
int gnutls_global_init(void);
int _gnutls_global_init_skip(void); /* NOLINT(bugprone-reserved-identifier): GnuTLS's name */

/* The constructors of the libraries call from before anything of ours, so there is no context. */
static bool libraries_are_loaded;

/* A program's own constructors run after those of its libraries. */
__attribute__((constructor)) static void note_libraries_are_loaded(void)
{
	libraries_are_loaded = true;
}

/*
 * Much like GNUTLS_SKIP_GLOBAL_INIT of gnutls.h: the constructor asks this. So does the destructor,
 * which leaves what was not set up.
 */
int _gnutls_global_init_skip(void) /* NOLINT(bugprone-reserved-identifier) */
{
	return !libraries_are_loaded;
}

int gnutls_global_init(void)
{
	int (*real)(void);

	if (!libraries_are_loaded)
		return 0;
	*(void **)&real = dlsym(RTLD_NEXT, "gnutls_global_init");
	return real ? real() : -1;
}

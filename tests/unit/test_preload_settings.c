/* SPDX-License-Identifier: MIT */
/* The environment wins over the file, the file over the default; what the program does to its
 * environment afterwards changes nothing. */
#include "tests/unit/cmocka_tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload/settings.h"

static char path[] = "/tmp/teachnet-settings.XXXXXX";

static void write_file(void)
{
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	fputs("# a comment\n\n  STACK = fromfile \nHOSTS=/file/hosts\nRUNTIME_DIR=/file/run///\nnonsense\n=x\nDNS=1.2.3.4", file);
	fclose(file);
}

static void the_environment_comes_first(void **state)
{
	(void)state;
	setenv("TEACHNET_STACK", "fromenv", 1);
	setenv("TEACHNET_CONFIG", path, 1);
	settings_from_environment();
	assert_string_equal(settings_value(SETTING_STACK), "fromenv");
	assert_string_equal(settings_value(SETTING_HOSTS), "/etc/hosts");
	setenv("TEACHNET_STACK", "later", 1);
	settings_from_environment();
	assert_string_equal(settings_value(SETTING_STACK), "fromenv");
	assert_false(settings_kernel());
}

static void then_the_file(void **state)
{
	(void)state;
	settings_complete();
	assert_string_equal(settings_value(SETTING_STACK), "fromenv");
	assert_string_equal(settings_value(SETTING_HOSTS), "/file/hosts");
	assert_string_equal(settings_value(SETTING_DNS), "1.2.3.4");
	assert_string_equal(settings_value(SETTING_RESOLV_CONF), "/etc/resolv.conf");
	assert_string_equal(settings_runtime_dir(), "/file/run");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_environment_comes_first),
		cmocka_unit_test(then_the_file),
	};
	int failed;

	write_file();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}

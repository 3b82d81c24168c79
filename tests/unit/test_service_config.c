/* SPDX-License-Identifier: MIT */
/*
 * A setting is checked by its type wherever it comes from, the environment wins over the file, and
 * whatever is refused is explained by a sentence that names the setting, the value and the form.
 */
#include "tests/unit/cmocka_tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/config.h"

static char folder[] = "/tmp/teachnet-config-XXXXXX";
static char warnings[2048];

static void note(void *context, const char *sentence)
{
	(void)context;
	strncat(warnings, sentence, sizeof(warnings) - strlen(warnings) - 1);
	strncat(warnings, "|", sizeof(warnings) - strlen(warnings) - 1);
}

static const char *write_file(const char *text)
{
	static char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/teachnet.conf", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

/* Loads from a file's text (NULL: none) and variables, ended by NULL. */
static int load(struct config *c, char message[CONFIG_MESSAGE_BYTES], const char *file, ...)
{
	static char named[300];
	char *environment[16] = {"HOME=/nonexistent"};
	unsigned count = 1;
	va_list arguments;

	warnings[0] = '\0';
	if (file) {
		snprintf(named, sizeof(named), "TEACHNET_CONFIG=%s", write_file(file));
		environment[count++] = named;
	}
	va_start(arguments, file);
	while ((environment[count] = va_arg(arguments, char *)))
		count++;
	va_end(arguments);
	return config_load(c, environment, note, NULL, message);
}

static bool parses(enum config_type type, const char *text, struct config_value *v)
{
	char message[CONFIG_MESSAGE_BYTES] = "";
	int result = config_parse(type, text, v, message);

	/* A refusal always says what would do. */
	assert_true(result == 0 || (result == -EINVAL && strncmp(message, "give ", 5) == 0));
	return result == 0;
}

static void good_values_are_understood(void **state)
{
	struct config_value v;

	(void)state;
	assert_true(parses(CONFIG_TYPE_bool, "yes", &v) && v.yes);
	assert_true(parses(CONFIG_TYPE_bool, "OFF", &v) && !v.yes);
	assert_true(parses(CONFIG_TYPE_number, "1500", &v) && v.number == 1500);
	assert_true(parses(CONFIG_TYPE_number, "18446744073709551609", &v) && v.number == UINT64_MAX - 6);
	assert_true(parses(CONFIG_TYPE_seconds, "0.25", &v) && v.ns == 250000000);
	assert_true(parses(CONFIG_TYPE_seconds, "10s", &v) && v.ns == UINT64_C(10000000000));
	assert_true(parses(CONFIG_TYPE_percent, "3%", &v) && v.share > 0.0299 && v.share < 0.0301);
	assert_true(parses(CONFIG_TYPE_percent, "100", &v) && v.share > 0.9999);
	assert_true(parses(CONFIG_TYPE_duration, "10ms", &v) && v.ns == 10000000);
	assert_true(parses(CONFIG_TYPE_duration, "1.5s", &v) && v.ns == 1500000000);
	assert_true(parses(CONFIG_TYPE_duration, "250us", &v) && v.ns == 250000);
	assert_true(parses(CONFIG_TYPE_duration, "0", &v) && v.ns == 0);
	assert_true(parses(CONFIG_TYPE_rate, "10mbit", &v) && v.bits_per_s == 10000000);
	assert_true(parses(CONFIG_TYPE_rate, "2.5Gbit", &v) && v.bits_per_s == UINT64_C(2500000000));
	assert_true(parses(CONFIG_TYPE_prefix, "192.0.2.10/24", &v) && v.addresses.count == 1);
	assert_int_equal(v.addresses.at[0].family, 4);
	assert_int_equal(v.addresses.at[0].bits, 24);
	assert_memory_equal(v.addresses.at[0].octet, "\xc0\x00\x02\x0a", 4);
	assert_true(parses(CONFIG_TYPE_prefix, "192.0.2.10/24, 2001:db8::1/64", &v) && v.addresses.count == 2);
	assert_int_equal(v.addresses.at[1].family, 6);
	assert_int_equal(v.addresses.at[1].bits, 64);
	assert_true(parses(CONFIG_TYPE_address, "::1", &v) && v.addresses.at[0].bits == 128);
	assert_true(parses(CONFIG_TYPE_addresses, "192.0.2.1 192.0.2.2,192.0.2.3", &v) && v.addresses.count == 3);
	assert_true(parses(CONFIG_TYPE_mac, "02:00:00:00:00:Af", &v));
	assert_memory_equal(v.mac, "\x02\x00\x00\x00\x00\xaf", 6);
	assert_true(parses(CONFIG_TYPE_interface, "eth0.5", &v));
	assert_true(parses(CONFIG_TYPE_name, "lab-1.a_b", &v));
	assert_true(parses(CONFIG_TYPE_text, "any thing", &v) && strcmp(v.text, "any thing") == 0);
	assert_true(parses(CONFIG_TYPE_path, "/etc/hosts", &v));
}

static void bad_values_are_refused(void **state)
{
	static const struct {
		enum config_type type;
		const char *text;
	} bad[] = {
	    {CONFIG_TYPE_bool, "maybe"}, {CONFIG_TYPE_number, "-1"}, {CONFIG_TYPE_number, "15 00"},
	    {CONFIG_TYPE_number, "18446744073709551616"}, {CONFIG_TYPE_number, "0x10"}, {CONFIG_TYPE_seconds, "soon"},
	    {CONFIG_TYPE_seconds, "1.s"}, {CONFIG_TYPE_seconds, "-1"}, {CONFIG_TYPE_percent, "101"},
	    {CONFIG_TYPE_percent, "3 %"}, {CONFIG_TYPE_percent, "%"}, {CONFIG_TYPE_duration, "10"},
	    {CONFIG_TYPE_duration, "10m"}, {CONFIG_TYPE_duration, "ms"}, {CONFIG_TYPE_rate, "10"},
	    {CONFIG_TYPE_rate, "10mbps"}, {CONFIG_TYPE_rate, "99999999999gbit"}, {CONFIG_TYPE_prefix, "192.0.2.10"},
	    {CONFIG_TYPE_prefix, "192.0.2.10/33"}, {CONFIG_TYPE_prefix, "192.0.2/24"}, {CONFIG_TYPE_prefix, "::1/129"},
	    {CONFIG_TYPE_prefix, "192.0.2.1/24x"}, {CONFIG_TYPE_prefix, ","}, {CONFIG_TYPE_address, "192.0.2.1 192.0.2.2"},
	    {CONFIG_TYPE_address, "host.lab"}, {CONFIG_TYPE_addresses, "192.0.2.1;192.0.2.2"},
	    {CONFIG_TYPE_addresses, "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9"},
	    {CONFIG_TYPE_mac, "02:00:00:00:00"}, {CONFIG_TYPE_mac, "02:00:00:00:00:00:01"},
	    {CONFIG_TYPE_mac, "01:00:00:00:00:01"}, {CONFIG_TYPE_mac, "00:00:00:00:00:00"}, {CONFIG_TYPE_mac, "02-00-00-00-00-01"},
	    {CONFIG_TYPE_mac, "02:00:00:00:00:0g"}, {CONFIG_TYPE_interface, "an-interface-name-too-long"},
	    {CONFIG_TYPE_interface, "../eth0"}, {CONFIG_TYPE_interface, "eth 0"}, {CONFIG_TYPE_name, "-x"},
	    {CONFIG_TYPE_name, "a/b"}, {CONFIG_TYPE_name, ".."},
	    {CONFIG_TYPE_name, "a-name-of-a-stack-that-is-longer-than-forty-eight-letters"},
	};
	struct config_value v;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (parses(bad[i].type, bad[i].text, &v))
			fail_msg("`%s` was taken as type %d", bad[i].text, (int)bad[i].type);
}

static void the_defaults_are_good_and_empty_is_not_set(void **state)
{
	char message[CONFIG_MESSAGE_BYTES];
	struct config c;

	(void)state;
	assert_int_equal(load(&c, message, NULL, "TEACHNET_STACK=", NULL), 0);
	assert_string_equal(c.value[CONFIG_KEY_STACK].text, "default");
	assert_int_equal(c.value[CONFIG_KEY_IDLE_EXIT].ns, UINT64_C(10000000000));
	assert_false(c.value[CONFIG_KEY_ADDR].set);
	assert_string_equal(warnings, "");
	config_free(&c);
}

static void the_environment_wins_over_the_file(void **state)
{
	char message[CONFIG_MESSAGE_BYTES];
	struct config c;

	(void)state;
	assert_int_equal(load(&c, message, "# a comment\n\n  MTU = 1400  \nTEACHNET_STACK='lab'\nPCAP=\"/tmp/a b\"\nLOSS=1%",
	                     "TEACHNET_MTU=1300", NULL),
	    0);
	assert_int_equal(c.value[CONFIG_KEY_MTU].number, 1300);
	assert_int_equal(c.value[CONFIG_KEY_MTU].source, CONFIG_SOURCE_ENVIRONMENT);
	assert_string_equal(c.value[CONFIG_KEY_STACK].text, "lab");
	assert_int_equal(c.value[CONFIG_KEY_STACK].source, CONFIG_SOURCE_FILE);
	assert_int_equal(c.value[CONFIG_KEY_STACK].line, 4);
	assert_string_equal(c.value[CONFIG_KEY_PCAP].text, "/tmp/a b");
	assert_true(c.value[CONFIG_KEY_LOSS].share > 0.0099);
	config_free(&c);
}

static void errors_are_sentences_that_say_where(void **state)
{
	char message[CONFIG_MESSAGE_BYTES];
	struct config c;

	(void)state;
	assert_int_equal(load(&c, message, NULL, "TEACHNET_MTU=big", NULL), -EINVAL);
	assert_string_equal(message, "TEACHNET_MTU is `big`: give a whole number, as 1500");
	config_free(&c);
	assert_int_equal(load(&c, message, "STACK=a\nDELAY=10\n", NULL), -EINVAL);
	assert_non_null(strstr(message, "/teachnet.conf:2: DELAY is `10`: give a time with its unit"));
	config_free(&c);
	assert_int_equal(load(&c, message, "\nGATWAY=192.0.2.1\n", NULL), -EINVAL);
	assert_non_null(strstr(message, "/teachnet.conf:2: there is no setting `GATWAY`: did you mean GATEWAY?"));
	config_free(&c);
	assert_int_equal(load(&c, message, "hello\n", NULL), -EINVAL);
	assert_non_null(strstr(message, ":1: `hello` is not a setting: write NAME=value"));
	config_free(&c);
	assert_int_equal(load(&c, message, "CONFIG=/etc/other\n", NULL), -EINVAL);
	assert_non_null(strstr(message, "names this very file"));
	config_free(&c);
	assert_int_equal(load(&c, message, NULL, "TEACHNET_CONFIG=/nonexistent/file", NULL), -ENOENT);
	assert_non_null(strstr(message, "/nonexistent/file"));
	config_free(&c);
}

static void an_unknown_variable_is_a_warning_with_the_nearest(void **state)
{
	char message[CONFIG_MESSAGE_BYTES];
	struct config c;

	(void)state;
	assert_int_equal(load(&c, message, NULL, "TEACHNET_ADRR=192.0.2.1/24", "TEACHNET_PRELOAD=/x", NULL), 0);
	assert_string_equal(warnings, "there is no setting TEACHNET_ADRR: did you mean TEACHNET_ADDR?|");
	config_free(&c);
}

static void places_follow_from_the_settings(void **state)
{
	char message[CONFIG_MESSAGE_BYTES], path[CONFIG_PATH_BYTES], expected[CONFIG_PATH_BYTES];
	struct config c;

	(void)state;
	assert_int_equal(load(&c, message, NULL, "XDG_RUNTIME_DIR=/run/user/5", "TEACHNET_STACK=lab", NULL), 0);
	assert_int_equal(control_path(&c, path, message), 0);
	assert_string_equal(path, "/run/user/5/teachnet/lab.sock");
	config_free(&c);
	assert_int_equal(load(&c, message, NULL, "XDG_RUNTIME_DIR=/run/user/5", "TEACHNET_RUNTIME_DIR=/x/y", NULL), 0);
	assert_int_equal(config_stack_path(&c, ".lock", path, message), 0);
	assert_string_equal(path, "/x/y/default.lock");
	config_free(&c);
	assert_int_equal(load(&c, message, NULL, NULL), 0);
	assert_int_equal(control_path(&c, path, message), 0);
	if (geteuid() == 0)
		snprintf(expected, sizeof(expected), "/run/teachnet/default.sock");
	else
		snprintf(expected, sizeof(expected), "/tmp/teachnet-%u/default.sock", (unsigned)geteuid());
	assert_string_equal(path, expected);
	config_free(&c);
	assert_int_equal(load(&c, message, NULL,
	                     "TEACHNET_RUNTIME_DIR=/a-path/that-is-much-too-long/for-the-name-of-a-socket/because-there-are/only/"
	                     "one-hundred-and-eight-bytes",
	                     NULL),
	    0);
	assert_int_equal(control_path(&c, path, message), -ENAMETOOLONG);
	assert_non_null(strstr(message, "set TEACHNET_RUNTIME_DIR to a shorter path"));
	config_free(&c);
}

static void the_runtime_folder_must_be_ours(void **state)
{
	char message[CONFIG_MESSAGE_BYTES], path[CONFIG_PATH_BYTES];
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/run", folder);
	assert_int_equal(config_make_runtime_dir(path, message), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(config_make_runtime_dir(path, message), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(config_make_runtime_dir(path, message), -EPERM);
	assert_non_null(strstr(message, "can be written by others"));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_int_equal(config_make_runtime_dir(path, message), -EPERM);
	assert_non_null(strstr(message, "is not a folder"));
	assert_int_equal(unlink(path), 0);
	if (geteuid() == 0) {
		assert_int_equal(mkdir(path, 0700), 0);
		assert_int_equal(chown(path, 12345, 12345), 0);
		assert_int_equal(config_make_runtime_dir(path, message), -EPERM);
		assert_non_null(strstr(message, "belongs to another user"));
		assert_int_equal(rmdir(path), 0);
	}
	assert_int_equal(config_make_runtime_dir("/nonexistent/run", message), -ENOENT);
	assert_non_null(strstr(message, "Set TEACHNET_RUNTIME_DIR to a place where you may write"));
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char path[CONFIG_PATH_BYTES];

	(void)state;
	snprintf(path, sizeof(path), "%s/teachnet.conf", folder);
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_values_are_understood),
	    cmocka_unit_test(bad_values_are_refused),
	    cmocka_unit_test(the_defaults_are_good_and_empty_is_not_set),
	    cmocka_unit_test(the_environment_wins_over_the_file),
	    cmocka_unit_test(errors_are_sentences_that_say_where),
	    cmocka_unit_test(an_unknown_variable_is_a_warning_with_the_nearest),
	    cmocka_unit_test(places_follow_from_the_settings),
	    cmocka_unit_test(the_runtime_folder_must_be_ours),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* SPDX-License-Identifier: MIT */
/*
 * The lab's own files, in its folder: configuration of dnsmasq and nginx, a certificate authority
 * that lives as long as the lab, and what replaces files of /etc in the lab's mount namespace, so
 * that programs with a resolver of their own, and those on the kernel's stack, see the lab, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/command.h"
#include "tool/lab.h"

static const char nginx_conf[] =
    "daemon off;\n"
    "%s" /* user */
    "worker_processes 2;\n"
    "pid nginx.pid;\n"
    "error_log stderr warn;\n"
    "events { worker_connections 4096; }\n"
    "http {\n"
    "	access_log nginx-access.log;\n"
    "	client_body_temp_path temp/body;\n"
    "	proxy_temp_path temp/proxy;\n"
    "	fastcgi_temp_path temp/fastcgi;\n"
    "	uwsgi_temp_path temp/uwsgi;\n"
    "	scgi_temp_path temp/scgi;\n"
    "	types { text/html html; }\n"
    "	default_type application/octet-stream;\n"
    "	sendfile on;\n"
    "	keepalive_requests 1000000;\n"
    "	client_max_body_size 0;\n"
    "	server {\n"
    "		listen 80 backlog=4096;\n"
    "		listen 443 ssl backlog=4096;\n"
    "%s"
    "		server_name www.lab peer.lab;\n"
    "		ssl_certificate www.pem;\n"
    "		ssl_certificate_key www.key;\n"
    "		root %s/www;\n"
    "		location / {\n"
    "			if ($request_method = PUT) { rewrite ^/(.*)$ /upload/$1 last; }\n"
    "			try_files $uri $uri/index.html @uploaded;\n"
    "		}\n"
    "		location @uploaded { root %s/upload; }\n"
    "		location /upload/ {\n"
    "			root %s;\n"
    "			dav_methods PUT DELETE;\n"
    "			create_full_put_path on;\n"
    "			autoindex on;\n"
    "		}\n"
    "	}\n"
    "}\n";

/* With --dhcp. The first address is the one that our host has in other labs; short leases can be
 * watched. */
static const char dnsmasq_dhcp[] =
    "dhcp-authoritative\n"
    "dhcp-sequential-ip\n"
    "no-ping\n"
    "dhcp-leasefile=dhcp.leases\n"
    "domain=lab\n"
    "dhcp-range=" LAB_HOST_ADDRESS "," LAB_NETWORK ".50,2m\n"
    "enable-ra\n"
    "dhcp-range=" LAB_NETWORK6 ":,ra-stateless,10m\n";

static const char dnsmasq_conf[] =
    "keep-in-foreground\n"
    "log-facility=-\n"
    "log-queries\n"
    "no-resolv\n"
    "no-hosts\n"
    "no-poll\n"
    "pid-file\n"
    "%s" /* user */
    "interface=" LAB_INTERFACE "\n"
    "bind-interfaces\n"
    "local=/lab/\n"
    "host-record=host.lab%s\n"
    "host-record=peer.lab%s\n"
    "host-record=www.lab%s\n"
    "%s"; /* DHCP */

/* Names of the second host are left to the DNS: seeing the question is the point. */
static const char hosts[] = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
static const char hosts4[] = LAB_HOST_ADDRESS " host.lab host\n";
static const char hosts6[] = LAB_HOST_ADDRESS6 " host.lab host\n";

static const char listen6[] = "		listen [::]:80 backlog=4096;\n"
			      "		listen [::]:443 ssl backlog=4096;\n";

int lab_file_write(const struct lab *lab, const char *name, mode_t mode, const char *format, ...)
{
	char path[PLACE_BYTES + 64];
	va_list list;
	FILE *out;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", lab->folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return complain("cannot write %s: %m", path);
	fchmod(fd, mode);
	out = fdopen(fd, "w");
	va_start(list, format);
	vfprintf(out, format, list);
	va_end(list);
	return fclose(out) == 0 ? 0 : complain("cannot write %s: %m", path);
}

/* Runs a program in the lab's folder and waits. */
static int run_and_wait(const struct lab *lab, const char *name, const char *const *words)
{
	int status;
	pid_t pid = lab_spawn(lab, name);

	if (pid == 0) {
		execvp(words[0], (char *const *)words);
		complain("cannot run %s: %m", words[0]);
		_exit(1);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && status == 0 ? 0 : complain("%s failed: see %s/%s.log (--keep DIR keeps it)", words[0],
						lab->folder, name);
}

/* An authority, and a certificate of its for www.lab: elliptic curves, so that it takes milliseconds. */
static int make_certificates(const struct lab *lab)
{
	static const char openssl_conf[] =
	    "[req]\ndistinguished_name = name\nprompt = no\n[name]\n"
	    "[ca]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\n"
	    "subjectKeyIdentifier = hash\n"
	    "[server]\nbasicConstraints = critical,CA:FALSE\nextendedKeyUsage = serverAuth\n"
	    "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
	    "subjectAltName = DNS:www.lab,DNS:peer.lab,IP:" LAB_PEER_ADDRESS ",IP:" LAB_PEER_ADDRESS6 "\n";
	static const char *const authority[] = {"openssl", "req", "-config", "openssl.conf", "-x509", "-newkey",
		"ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365", "-subj",
		"/CN=teachnet lab authority", "-extensions", "ca", "-keyout", "ca.key", "-out", "ca.pem", NULL};
	static const char *const server[] = {"openssl", "req", "-config", "openssl.conf", "-x509", "-newkey",
		"ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365", "-subj", "/CN=www.lab",
		"-extensions", "server", "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "www.key", "-out",
		"www.pem", NULL};

	return lab_file_write(lab, "openssl.conf", 0644, "%s", openssl_conf) ||
	    run_and_wait(lab, "openssl", authority) || run_and_wait(lab, "openssl", server);
}

/* Appends a file that may be missing. */
static void append(FILE *out, const char *from)
{
	char buffer[4096];
	FILE *in = fopen(from, "re");
	size_t got;

	if (!in)
		return;
	while ((got = fread(buffer, 1, sizeof(buffer), in)) > 0)
		fwrite(buffer, 1, got, out);
	fclose(in);
}

static FILE *create(const struct lab *lab, const char *name)
{
	char path[PLACE_BYTES + 64];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", lab->folder, name);
	out = fopen(path, "we");
	if (!out)
		complain("cannot write %s: %m", path);
	return out;
}

/* The system's authorities and the lab's. */
static int make_bundle(const struct lab *lab)
{
	char authority[PLACE_BYTES + 16];
	FILE *out = create(lab, "certificates.pem");

	if (!out)
		return STATUS_ERROR;
	append(out, "/etc/ssl/certs/ca-certificates.crt");
	snprintf(authority, sizeof(authority), "%s/ca.pem", lab->folder);
	append(out, authority);
	return fclose(out) == 0 ? 0 : complain("cannot write certificates.pem: %m");
}

/* The system's, but names of hosts come from the lab's hosts file and DNS only. */
static int make_nsswitch(const struct lab *lab)
{
	char line[512];
	FILE *in = fopen("/etc/nsswitch.conf", "re"), *out = create(lab, "nsswitch.conf");

	if (out)
		fputs("hosts: files dns\n", out);
	while (in && out && fgets(line, sizeof(line), in))
		if (strncmp(line, "hosts:", 6))
			fputs(line, out);
	if (in)
		fclose(in);
	return out && fclose(out) == 0 ? 0 : STATUS_ERROR;
}

/* The addresses of a name, as dnsmasq's host-record has them. */
static const char *record_of(const struct lab *lab, const char *four, const char *six, const char *both)
{
	return lab->family == 4 ? four : lab->family == 6 ? six : both;
}

static int make_dnsmasq_conf(const struct lab *lab)
{
	const char *user = lab->change_user ? "user=nobody\ngroup=nogroup\n" : geteuid() == 0 ? "user=root\n" : "";
	const char *host = record_of(lab, "," LAB_HOST_ADDRESS, "," LAB_HOST_ADDRESS6, "," LAB_HOST_ADDRESS "," LAB_HOST_ADDRESS6);
	const char *peer = record_of(lab, "," LAB_PEER_ADDRESS, "," LAB_PEER_ADDRESS6, "," LAB_PEER_ADDRESS "," LAB_PEER_ADDRESS6);

	return lab_file_write(lab, "dnsmasq.conf", 0644, dnsmasq_conf, user, host, peer, peer,
	    lab->dhcp ? dnsmasq_dhcp : "");
}

int lab_files_make(const struct lab *lab)
{
	return lab_file_write(lab, "nginx.conf", 0644, nginx_conf, lab->change_user ? "user nobody nogroup;\n" : "",
		   access("/proc/sys/net/ipv6", F_OK) == 0 ? listen6 : "", lab->folder, lab->folder, lab->folder) ||
	    make_dnsmasq_conf(lab) ||
	    lab_file_write(lab, "resolv.conf", 0644, "nameserver %s\nsearch lab\n", lab_name_server(lab)) ||
	    lab_file_write(lab, "hosts", 0644, "%s%s%s", hosts, lab->family == 6 ? "" : hosts4, lab->family == 4 ? "" : hosts6) ||
	    lab_file_write(lab, "teachnet.conf", 0644, "%s", "") || make_nsswitch(lab) ||
	    make_certificates(lab) || make_bundle(lab);
}

int lab_files_mount(const struct lab *lab)
{
	static const struct {
		const char *name, *over;
		bool needed;
	} replaced[] = {
		{"resolv.conf", "/etc/resolv.conf", true},
		{"hosts", "/etc/hosts", true},
		{"nsswitch.conf", "/etc/nsswitch.conf", false},
		{"certificates.pem", "/etc/ssl/certs/ca-certificates.crt", false},
	};
	char path[PLACE_BYTES + 64];

	for (unsigned i = 0; i < sizeof(replaced) / sizeof(replaced[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", lab->folder, replaced[i].name);
		if (mount(path, replaced[i].over, NULL, MS_BIND, NULL) < 0 && (replaced[i].needed || errno != ENOENT))
			fprintf(stderr, "%s: %s stays the system's in this lab: %s\n", command_name,
			    replaced[i].over, strerror(errno));
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The story (DESIGN.md 2.4): a packet socket hears nothing before it is bound, then only what its
 * filter lets through, not even what it sends itself; frames to a hardware address that the
 * interface does not have are heard all the same; and it gets over an interface that goes down.
 */
#include <linux/filter.h>

#include "tests/assume/packet.h"

static uint8_t frame[FRAME_ROOM], seen[FRAME_ROOM];

static void hears_nothing_before_bind(int sender)
{
	int fd = packet_socket(false);

	packet_send(sender, NULL, frame, packet_fill(frame, other_mac));
	CHECK_THAT(packet_receive(fd, NULL, seen) < 0 && errno == EAGAIN,
	    "a socket for no protocol hears nothing before bind()");
	packet_listen(fd, "lb");
	CHECK_THAT(packet_receive(fd, NULL, seen) < 0 && errno == EAGAIN, "nor what came before, after it");
	packet_send(sender, NULL, frame, packet_fill(frame, other_mac));
	CHECK_THAT(packet_receive(fd, NULL, seen) == 60 && memcmp(seen, frame, 60) == 0,
	    "then it hears a frame to an address that is not the interface's");
	close(fd);
}

static void hears_no_echo_of_its_own(int sender)
{
	int fd = packet_socket(false), one = 1;

	packet_listen(fd, "la");
	packet_send(sender, NULL, frame, packet_fill(frame, other_mac));
	CHECK_THAT(packet_receive(fd, NULL, seen) == 60, "another socket on the interface hears what is sent there");
	CHECK_THAT(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) == 0,
	    "PACKET_IGNORE_OUTGOING is there");
	packet_send(sender, NULL, frame, packet_fill(frame, other_mac));
	CHECK_THAT(packet_receive(fd, NULL, seen) < 0 && errno == EAGAIN, "and with it, it no longer does");
	close(fd);
}

/* Only frames whose first octets of the destination are those of other_mac. */
static void hears_only_what_the_filter_lets_through(int sender)
{
	static const uint8_t wrong[6] = {2, 0, 0, 1, 0, 9};
	struct sock_filter code[] = {
	    {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
	    {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x02000000},
	    {BPF_RET | BPF_K, 0, 0, 262144},
	    {BPF_RET | BPF_K, 0, 0, 0},
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
	int fd = packet_socket(false);

	CHECK_THAT(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0,
	    "a filter can be attached before bind()");
	packet_listen(fd, "lb");
	packet_send(sender, NULL, frame, packet_fill(frame, wrong));
	CHECK_THAT(packet_receive(fd, NULL, seen) < 0 && errno == EAGAIN, "a frame that it refuses is not heard");
	packet_send(sender, NULL, frame, packet_fill(frame, other_mac));
	CHECK_THAT(packet_receive(fd, NULL, seen) == 60, "a frame that it takes is");
	close(fd);
}

static void gets_over_a_link_that_goes_down(int sender)
{
	int fd = packet_socket(false);

	packet_listen(fd, "lb");
	MUST(link_setup_down("lb") == 0);
	CHECK_THAT(packet_receive(fd, NULL, seen) < 0 && errno == ENETDOWN, "the link going down is told once");
	CHECK_THAT(packet_receive(fd, NULL, seen) < 0 && errno == EAGAIN, "and only once");
	CHECK_THAT(packet_send(fd, NULL, frame, 60) < 0 && errno == ENETDOWN, "sending says it each time");
	MUST(link_setup_up("lb") == 0);
	MUST(link_setup_wait_running("la", 3000) == 0);
	packet_send(sender, NULL, frame, packet_fill(frame, other_mac));
	CHECK_THAT(packet_receive(fd, NULL, seen) == 60, "up again, the socket hears without another bind()");
	MUST(link_setup_delete("lb") == 0);
	CHECK_THAT(packet_receive(fd, NULL, seen) < 0 && errno == ENETDOWN, "the link vanishing is told as well");
	CHECK_THAT(packet_send(fd, NULL, frame, 60) < 0 && errno == ENXIO, "sending says that there is none");
	MUST(link_setup_veth("la", -1, "lb", -1) == 0 && link_setup_up("la") == 0 && link_setup_up("lb") == 0);
	MUST(link_setup_wait_running("lb", 3000) == 0);
	packet_listen(fd, "lb");
	CHECK_THAT(packet_send(fd, NULL, frame, 60) == 60, "and the socket can be bound to the next of that name");
	close(fd);
}

int main(void)
{
	int sender;

	if (!packet_network())
		return 0;
	sender = packet_socket(false);
	packet_listen(sender, "la");
	hears_nothing_before_bind(sender);
	hears_no_echo_of_its_own(sender);
	hears_only_what_the_filter_lets_through(sender);
	gets_over_a_link_that_goes_down(sender);
	close(sender);
	return tap_done();
}

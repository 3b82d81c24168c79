# program: perl
# role: client and server
# tried: IO::Socket::INET echo with a fork a connection, 20 clients; select with a timeout; HTTP::Tiny
# version: perl -e "print $^V"
cat >server.pl <<-'END'
	use IO::Socket::INET; $SIG{CHLD} = 'IGNORE';
	my $l = IO::Socket::INET->new(LocalPort => 8000, Listen => 64, ReuseAddr => 1) or die;
	while (my $c = $l->accept) { next if fork; my $b; while (sysread($c, $b, 8192)) { syswrite($c, $b) } exit }
END
perl server.pl &
ours_up 8000
cat >client.pl <<-'END'
	use IO::Socket::INET; use IO::Select;
	my @c = map { IO::Socket::INET->new("$ARGV[0]") or die $! } 1 .. 20;
	my $i = 0; for (@c) { $i++; print $_ chr(64 + $i) x 5000; $_->flush }
	my %got; my $s = IO::Select->new(@c); my $n = 0;
	while ($n < 20) {
	    my @r = $s->can_read(5) or die "nothing";
	    for (@r) { sysread($_, my $b, 65536); $got{$_} .= $b; if (length $got{$_} == 5000) { $n++; $s->remove($_) } }
	}
	$i = 0; for (@c) { $i++; die unless $got{$_} eq chr(64 + $i) x 5000 }
	die if IO::Select->new(@c)->can_read(0.2);
END
teachnet peer perl client.pl host.lab:8000
perl client.pl peer.lab:7
perl -MHTTP::Tiny -e 'my $r = HTTP::Tiny->new->get("http://www.lab/1M.bin"); binmode STDOUT; print $r->{content}' >a
same a "$www/1M.bin"

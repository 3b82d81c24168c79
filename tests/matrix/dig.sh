# program: dig
# role: client
# tried: over UDP and over TCP, a name that does not exist
# version: dig -v
[ "$(dig +short www.lab)" = 192.0.2.1 ]
[ "$(dig +short +tcp www.lab @192.0.2.1)" = 192.0.2.1 ]
dig nobody.lab | grep -q 'status: NXDOMAIN'

# program: traceroute
# role: client
# tried: with UDP, with ICMP and with TCP probes to the second host
# version: traceroute --version
traceroute -n -w 2 192.0.2.1 | tail -n 1 | grep -q '^ *1  *192.0.2.1 .* ms'
traceroute -n -w 2 -I 192.0.2.1 | tail -n 1 | grep -q '^ *1  *192.0.2.1 .* ms'
traceroute -n -w 2 -T -p 80 192.0.2.1 | tail -n 1 | grep -q '^ *1  *192.0.2.1 .* ms'
